import type { JsonValue } from "@skerry/base";
import { type MessageStamp, newMessage } from "@skerry/link";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";
import type { NodeSources, RuleTable } from "./rule-table.ts";

export interface NodeSourcesTellerOptions {
  readonly cloudHub: CloudHubPort;
  readonly stamp: MessageStamp;
  readonly table: () => RuleTable;
}

const NONE: NodeSources = { topics: [], urls: [] };

/**
 * Tells connected nodes what rules take from them. A node with Skerry's delivery gets the whole lists, when it connects
 * and when they change, so that nothing stale stays there; one with KubeEdge's gets each beginning and end, and all
 * beginnings when it connects (cloud.md 14.4, 45).
 */
export class NodeSourcesTeller {
  readonly #options: NodeSourcesTellerOptions;
  readonly #told = new Map<string, NodeSources>();

  constructor(options: NodeSourcesTellerOptions) {
    this.#options = options;
  }

  nodeConnected(nodeName: string): void {
    this.#told.delete(nodeName);
    this.#tell(nodeName);
  }

  nodeLeft(nodeName: string): void {
    this.#told.delete(nodeName);
  }

  rulesChanged(): void {
    for (const nodeName of this.#options.cloudHub.connectedNodes) this.#tell(nodeName);
  }

  #tell(nodeName: string): void {
    const isFirst = !this.#told.has(nodeName);
    const before = this.#told.get(nodeName) ?? NONE;
    const now = this.#options.table().sourcesOf(nodeName);
    this.#told.set(nodeName, now);
    if (this.#options.cloudHub.deliveryOf(nodeName) === "skerry") {
      if (isFirst || !sameList(before.topics, now.topics))
        this.#send(nodeName, "router_eventbus", "sources", "sources", [...now.topics]);
      if (isFirst || !sameList(before.urls, now.urls))
        this.#send(nodeName, "router_servicebus", "sources", "sources", [...now.urls]);
      return;
    }
    for (const topic of now.topics)
      if (!before.topics.includes(topic)) this.#send(nodeName, "router_eventbus", "subscribe", topic);
    for (const topic of before.topics)
      if (!now.topics.includes(topic)) this.#send(nodeName, "router_eventbus", "unsubscribe", topic);
    for (const url of now.urls) if (!before.urls.includes(url)) this.#send(nodeName, "router_servicebus", "start", url);
    for (const url of before.urls) if (!now.urls.includes(url)) this.#send(nodeName, "router_servicebus", "stop", url);
  }

  #send(nodeName: string, source: string, operation: string, resource: string, content: JsonValue = null): void {
    const route = { source, group: "user", operation, resource };
    this.#options.cloudHub.deliver(nodeName, newMessage(this.#options.stamp, route, content));
  }
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
