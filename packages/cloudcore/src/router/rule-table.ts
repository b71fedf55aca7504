import { matchesTopic } from "@skerry/link";
import { matchPath } from "./path-pattern.ts";
import type { ActiveRule } from "./rule-reading.ts";

/** What the rules take from one node. */
export interface NodeSources {
  /** MQTT topic filters. */
  readonly topics: readonly string[];
  /** URLs that applications name as their target. */
  readonly urls: readonly string[];
}

/** The rules that can be followed, and which of them a message is for. */
export class RuleTable {
  readonly #rules: readonly ActiveRule[];

  constructor(rules: readonly ActiveRule[] = []) {
    this.#rules = [...rules].sort((left, right) => (left.key < right.key ? -1 : 1));
  }

  /** The rule for an HTTP request: the longest path that fits; of equals the one with fewer `{…}`, then by name. */
  forRequest(
    namespace: string,
    path: readonly string[],
  ): { readonly rule: ActiveRule; readonly extra: readonly string[] } | undefined {
    let best: { readonly rule: ActiveRule; readonly extra: readonly string[]; readonly weight: number } | undefined;
    for (const rule of this.#rules) {
      if (rule.namespace !== namespace || rule.source.kind !== "rest") continue;
      const match = matchPath(rule.source.pattern, path);
      if (match && (!best || match.weight > best.weight)) best = { rule, ...match };
    }
    return best;
  }

  /** All rules for a message of a node's broker; wildcards count (cloud.md 14.4, 44). */
  forTopic(nodeName: string, topic: string): readonly ActiveRule[] {
    return this.#rules.filter(
      ({ source }) => source.kind === "eventbus" && source.nodeName === nodeName && matchesTopic(source.filter, topic),
    );
  }

  /** The rule for a request of a node's application. */
  forUrl(nodeName: string, url: string): ActiveRule | undefined {
    return this.#rules.find(
      ({ source }) => source.kind === "servicebus" && source.nodeName === nodeName && source.url === url,
    );
  }

  sourcesOf(nodeName: string): NodeSources {
    const topics = new Set<string>();
    const urls = new Set<string>();
    for (const { source } of this.#rules) {
      if (source.kind === "eventbus" && source.nodeName === nodeName) topics.add(source.filter);
      if (source.kind === "servicebus" && source.nodeName === nodeName) urls.add(source.url);
    }
    return { topics: [...topics], urls: [...urls] };
  }
}
