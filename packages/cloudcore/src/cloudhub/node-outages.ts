import { type Clock, counted, firstFew, type Logger, type Timer, timeOf, tookTime } from "@skerry/base";
import type { DeliveryCounters, Message } from "@skerry/link";
import type { CloudHubPort } from "./cloud-hub-port.ts";
import type { LinkTrace } from "./link-trace.ts";

/** What {@link NodeOutages} listens to. */
export interface NodeOutagesOptions {
  readonly cloudHub: Pick<CloudHubPort, "onSession" | "onDelivered"> & {
    trace(nodeName: string): Pick<LinkTrace, "link" | "traffic">;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nodes whose outage is remembered; of more the one that is away longest is forgotten. */
  readonly nodeLimit: number;
}

const LOOK_MS = 500;
/** Without another delivery or state for so long, the node is taken to be in step again. */
const QUIET_MS = 2000;
const GIVE_UP_MS = 60_000;
/** Traffic that tells nothing of what happened on the node. */
const SILENT_KINDS: ReadonlySet<string> = new Set(["ping", "liveness", "acknowledgement", "set", "lease"]);

interface Outage {
  readonly sinceMs: number;
  readonly reason: string;
}

/** A node that is back and being followed. */
interface Return extends Outage {
  readonly reconnectedMs: number;
  readonly sent: Set<string>;
  readonly deleted: Set<string>;
  /** What had come from the node before, over all its sessions. */
  readonly receivedBefore: number;
  lastSignMs: number;
  received: number;
  timer: Timer | undefined;
}

/**
 * Tells each outage of a node in one plain line of the log, once the node is in step again: since when it was away, what
 * differed and was sent, what it had kept, what was lost, how long it took.
 */
export class NodeOutages implements Disposable {
  readonly #options: NodeOutagesOptions;
  readonly #away = new Map<string, Outage>();
  readonly #returned = new Map<string, Return>();
  readonly #subscriptions = new DisposableStack();

  constructor(options: NodeOutagesOptions) {
    this.#options = options;
    const { cloudHub } = options;
    this.#subscriptions.use(
      cloudHub.onSession((event) => {
        if (event.kind === "closed") this.#closed(event.nodeName, event.reason);
        else this.#opened(event.nodeName);
      }),
    );
    this.#subscriptions.use(cloudHub.onDelivered(({ nodeName, message }) => this.#delivered(nodeName, message)));
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#returned.values()) timer?.cancel();
    this.#subscriptions.dispose();
  }

  #closed(nodeName: string, reason: string): void {
    const returned = this.#returned.get(nodeName);
    returned?.timer?.cancel();
    this.#returned.delete(nodeName);
    // Cut off again before all was done: it stays one story.
    this.#away.set(nodeName, returned ?? { sinceMs: this.#options.clock.now(), reason });
    const oldest = this.#away.keys().next();
    if (this.#away.size > this.#options.nodeLimit && !oldest.done) this.#away.delete(oldest.value);
  }

  #opened(nodeName: string): void {
    const outage = this.#away.get(nodeName);
    if (!outage) return;
    this.#away.delete(nodeName);
    const nowMs = this.#options.clock.monotonicMs();
    const returned: Return = {
      sinceMs: outage.sinceMs,
      reason: outage.reason,
      reconnectedMs: nowMs,
      sent: new Set(),
      deleted: new Set(),
      receivedBefore: this.#received(nodeName),
      lastSignMs: nowMs,
      received: 0,
      timer: undefined,
    };
    this.#returned.set(nodeName, returned);
    this.#look(nodeName, returned);
  }

  #delivered(nodeName: string, { route }: Message): void {
    const returned = this.#returned.get(nodeName);
    if (!returned) return;
    const [namespace = "", type = "", name = ""] = (route.resource ?? "").split("/");
    if (type === "node" || name === "") return;
    (route.operation === "delete" ? returned.deleted : returned.sent).add(`${type} ${namespace}/${name}`);
    returned.lastSignMs = this.#options.clock.monotonicMs();
  }

  #look(nodeName: string, returned: Return): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const received = this.#received(nodeName) - returned.receivedBefore;
    if (received !== returned.received) returned.lastSignMs = nowMs;
    returned.received = received;
    if (nowMs - returned.lastSignMs < QUIET_MS && nowMs - returned.reconnectedMs < GIVE_UP_MS) {
      returned.timer = clock.setTimer(LOOK_MS, () => this.#look(nodeName, returned));
      return;
    }
    this.#returned.delete(nodeName);
    const { link } = this.#options.cloudHub.trace(nodeName);
    this.#tell(nodeName, returned, link.state === "connected" ? link.counters : undefined);
  }

  /** Messages of the node that say something: about pods, devices, events, the node itself. */
  #received(nodeName: string): number {
    const { rows } = this.#options.cloudHub.trace(nodeName).traffic;
    return rows
      .filter(({ direction, kind }) => direction === "up" && !SILENT_KINDS.has(kind))
      .reduce((sum, { messages }) => sum + messages, 0);
  }

  #tell(nodeName: string, returned: Return, counters: DeliveryCounters | undefined): void {
    const { sinceMs, reason, reconnectedMs, sent, deleted, lastSignMs, received } = returned;
    const { clock, logger } = this.#options;
    const awayMs = Math.max(0, clock.now() - (clock.monotonicMs() - reconnectedMs) - sinceMs);
    const differed = [
      ...(sent.size > 0 ? [`${counted(sent.size, "object")} sent (${firstFew([...sent])})`] : []),
      ...(deleted.size > 0 ? [`${counted(deleted.size, "object")} deleted there (${firstFew([...deleted])})`] : []),
    ];
    const dropped = counters?.dropped ?? 0;
    logger.info(
      [
        `Node ${nodeName} is in step again. It was away for ${tookTime(awayMs)}, since ${timeOf(sinceMs)}: ${reason}.`,
        `What differed: ${differed.length > 0 ? differed.join(", ") : "nothing"}.`,
        `Received from it: ${counted(received, "message")}.`,
        `Dropped: ${dropped === 0 ? "nothing" : counted(dropped, "message")}.`,
        `It took ${tookTime(lastSignMs - reconnectedMs)}.`,
      ].join(" "),
    );
  }
}
