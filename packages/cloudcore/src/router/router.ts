import type { KubernetesObject, Rule, RuleEndpoint } from "@skerry/api";
import type { Clock, Logger, Random, Service } from "@skerry/base";
import type { Informer, KubernetesApi } from "@skerry/kube";
import type { Message } from "@skerry/link";
import type { CloudHubPort, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { EdgeCalls } from "./edge-calls.ts";
import { EdgeEvents } from "./edge-events.ts";
import type { HttpPoster, RestRequest, RestResponse } from "./http-exchange.ts";
import { NodeSourcesTeller } from "./node-sources-teller.ts";
import { RestEntry } from "./rest-entry.ts";
import { RuleCounts } from "./rule-counts.ts";
import { type ActiveRule, readRule } from "./rule-reading.ts";
import { RuleTable } from "./rule-table.ts";

export interface RouterOptions {
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  readonly rules: Informer<Rule>;
  readonly ruleEndpoints: Informer<RuleEndpoint>;
  readonly nodeExists: (nodeName: string) => boolean;
  readonly poster: HttpPoster;
  /** How long an answer from a node may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Follows the Rules: HTTP in the cloud to MQTT and HTTP services at the edge, and from there to HTTP services in the
 * cloud (cloud.md 6). Rules and their endpoints may come, change and go in any order; nodes that connect later are told.
 */
export class Router implements Service {
  readonly #options: RouterOptions;
  readonly #logger: Logger;
  readonly #calls: EdgeCalls;
  readonly #events: EdgeEvents;
  readonly #counts: RuleCounts;
  readonly #entry: RestEntry;
  readonly #teller: NodeSourcesTeller;
  readonly #registrations = new DisposableStack();
  #isReadingDue = false;
  #table = new RuleTable();
  #unusable: ReadonlyMap<string, string> = new Map();

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#logger = options.logger.child("router");
    const { cloudHub, poster, nodeExists, timeoutMs, clock, random } = options;
    const ports = { ...options, logger: this.#logger };
    const table = (): RuleTable => this.#table;
    const stamp = { clock, random };
    const count = (rule: ActiveRule, failure?: string): void => this.#counts.add(rule.key, failure);
    this.#counts = new RuleCounts(ports);
    this.#calls = new EdgeCalls(ports);
    this.#events = new EdgeEvents({ cloudHub, poster, table, stamp, count, logger: this.#logger });
    this.#entry = new RestEntry({ cloudHub, calls: this.#calls, table, nodeExists, count, timeoutMs });
    this.#teller = new NodeSourcesTeller({ cloudHub, stamp, table });
  }

  /** Takes what nodes send with group `user`: answers, MQTT messages, requests of applications. */
  readonly upstream: UpstreamHandler = {
    handle: async (nodeName: string, message: Message) => {
      if (message.header.parent_msg_id && this.#calls.answer(nodeName, message)) return;
      if (message.header.parent_msg_id || message.route.operation !== "upload") return; // Too late, or nothing asked.
      this.#events.handle(nodeName, message);
    },
  };

  /** The informers have synced before. */
  async start(): Promise<void> {
    const { cloudHub, rules, ruleEndpoints } = this.#options;
    this.#read();
    for (const informer of [rules, ruleEndpoints] as Informer<KubernetesObject>[])
      this.#registrations.use(informer.listen(() => this.#changed()));
    this.#registrations.use(
      cloudHub.onSession((event) => {
        if (event.kind === "opened") this.#teller.nodeConnected(event.nodeName);
        else {
          this.#teller.nodeLeft(event.nodeName);
          this.#calls.nodeLeft(event.nodeName);
        }
      }),
    );
    this.#teller.rulesChanged();
  }

  /** One HTTP request from the cloud. */
  handle(request: RestRequest, signal: AbortSignal): Promise<RestResponse> {
    return this.#entry.handle(request, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#registrations.dispose();
    this.#calls[Symbol.dispose]();
    await this.#events[Symbol.asyncDispose]();
    await this.#counts[Symbol.asyncDispose]();
  }

  /** Many changes that come at once are read once. */
  #changed(): void {
    if (this.#isReadingDue) return;
    this.#isReadingDue = true;
    queueMicrotask(() => {
      this.#isReadingDue = false;
      this.#read();
      this.#teller.rulesChanged();
    });
  }

  #read(): void {
    const { rules, ruleEndpoints } = this.#options;
    const active: ActiveRule[] = [];
    const unusable = new Map<string, string>();
    for (const rule of rules.cache.list()) {
      const reading = readRule(rule, (namespace, name) => ruleEndpoints.cache.get(`${namespace}/${name}`));
      if (reading.kind === "active") active.push(reading.rule);
      else unusable.set(reading.key, reading.reason);
    }
    for (const [rule, reason] of unusable)
      if (this.#unusable.get(rule) !== reason) this.#logger.warn("A rule cannot be followed", { rule, reason });
    this.#table = new RuleTable(active);
    this.#unusable = unusable;
  }
}
