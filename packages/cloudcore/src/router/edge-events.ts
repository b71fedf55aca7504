import { BoundedQueue, describeError, fromBase64, type Logger } from "@skerry/base";
import { errorFor, type Message, type MessageStamp, responseTo } from "@skerry/link";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";
import { targetRefused } from "./errors.ts";
import type { HttpPoster } from "./http-exchange.ts";
import type { ActiveRule } from "./rule-reading.ts";
import type { RuleTable } from "./rule-table.ts";

export interface EdgeEventsOptions {
  readonly cloudHub: CloudHubPort;
  readonly poster: HttpPoster;
  readonly table: () => RuleTable;
  readonly stamp: MessageStamp;
  readonly count: (rule: ActiveRule, failure?: string) => void;
  readonly logger: Logger;
}

interface Work {
  readonly rule: ActiveRule;
  readonly nodeName: string;
  readonly message: Message;
  readonly body: string;
}

interface Lane {
  readonly waiting: BoundedQueue<Work>;
  running: Promise<void> | undefined;
}

/** Messages of one rule that may wait for its target; the newest are turned away beyond it. */
const WAITING_LIMIT = 256;
const POST_TIMEOUT_MS = 30_000;
const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

/**
 * What rules send from nodes to HTTP services in the cloud: MQTT messages (wire.md U22) and requests of local
 * applications (U23), whose answer goes back. One after the other for each rule, in order; a slow target delays its own
 * rule only, and no node's other messages.
 */
export class EdgeEvents implements AsyncDisposable {
  readonly #options: EdgeEventsOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  #unclaimedCount = 0;

  constructor(options: EdgeEventsOptions) {
    this.#options = options;
  }

  /** Messages that no rule is for. */
  get unclaimedCount(): number {
    return this.#unclaimedCount;
  }

  handle(nodeName: string, message: Message): void {
    const { source, resource = "" } = message.route;
    const table = this.#options.table();
    if (source === "servicebus") {
      const rule = table.forUrl(nodeName, resource);
      const body = decodedUpload(message.content);
      if (rule && body !== undefined) this.#enqueue({ rule, nodeName, message, body });
      else this.#refuse(nodeName, message, `no rule takes requests of node "${nodeName}" to ${resource}`);
      return;
    }
    const rules = table.forTopic(nodeName, resource);
    const body = typeof message.content === "string" ? message.content : JSON.stringify(message.content);
    if (rules.length === 0) this.#unclaimedCount++;
    for (const rule of rules) this.#enqueue({ rule, nodeName, message, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#lanes.values()].map(({ running }) => running));
  }

  #enqueue(work: Work): void {
    const { key } = work.rule;
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = { waiting: new BoundedQueue<Work>(WAITING_LIMIT, "reject-newest"), running: undefined };
      this.#lanes.set(key, lane);
    }
    if (!lane.waiting.push(work)) {
      const reason = `${WAITING_LIMIT} messages wait for the rule's target already`;
      this.#options.count(work.rule, reason);
      if (work.message.route.source === "servicebus") this.#refuse(work.nodeName, work.message, reason);
      return;
    }
    lane.running ??= this.#run(key, lane);
  }

  async #run(key: string, lane: Lane): Promise<void> {
    for (let work = lane.waiting.shift(); work && !this.#stop.signal.aborted; work = lane.waiting.shift())
      await this.#post(work);
    this.#lanes.delete(key);
  }

  async #post({ rule, nodeName, message, body }: Work): Promise<void> {
    const { poster, count, stamp, cloudHub } = this.#options;
    if (rule.target.kind !== "rest") return;
    const { url } = rule.target;
    try {
      const answer = await poster.post({
        url,
        headers: {
          "content-type": isJson(body) ? "application/json" : "text/plain; charset=utf-8",
          nodename: nodeName,
        },
        body,
        timeoutMs: POST_TIMEOUT_MS,
        maximumAnswerBytes: MAXIMUM_ANSWER_BYTES,
        signal: this.#stop.signal,
      });
      if (answer.status < 200 || answer.status >= 300) throw targetRefused(url, answer.status);
      count(rule);
      // KubeEdge's edge waits for exactly this route (wire.md D24).
      if (message.route.source === "servicebus")
        cloudHub.deliver(nodeName, responseTo(stamp, message, answer.body, { route: message.route }));
    } catch (error) {
      const reason = describeError(error);
      count(rule, `${nodeName}: ${reason}`);
      if (message.route.source === "servicebus") this.#refuse(nodeName, message, reason);
    }
  }

  #refuse(nodeName: string, message: Message, reason: string): void {
    this.#options.logger.debug("A request of a node's application failed", { node: nodeName, reason });
    this.#options.cloudHub.deliver(nodeName, errorFor(this.#options.stamp, message, reason));
  }
}

/** The local request's bytes, which travel as base64 (wire.md 1.3); KubeEdge posts the base64 text itself. */
function decodedUpload(content: Message["content"]): string | undefined {
  if (typeof content !== "string") return content === null ? undefined : JSON.stringify(content);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(content));
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
