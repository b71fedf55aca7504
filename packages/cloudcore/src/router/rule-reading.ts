import type { Rule, RuleEndpoint } from "@skerry/api";
import { isTopicFilter, isTopicName } from "@skerry/link";
import { type PathPattern, parsePathPattern } from "./path-pattern.ts";

/** Where a rule's messages come from. */
export type RuleSource =
  | { readonly kind: "rest"; readonly pattern: PathPattern }
  /** An MQTT topic filter at a node: `<namespace>/<topic>`. */
  | { readonly kind: "eventbus"; readonly nodeName: string; readonly filter: string }
  /** What an application at a node names as its target. */
  | { readonly kind: "servicebus"; readonly nodeName: string; readonly url: string };

/** Where they go. */
export type RuleTarget =
  | { readonly kind: "rest"; readonly url: string }
  | { readonly kind: "eventbus"; readonly topic: string }
  | { readonly kind: "servicebus"; readonly port: number; readonly path: string };

/** A rule that can be followed. */
export interface ActiveRule {
  /** `<namespace>/<name>` */
  readonly key: string;
  readonly namespace: string;
  readonly source: RuleSource;
  readonly target: RuleTarget;
}

export type RuleReading =
  | { readonly kind: "active"; readonly rule: ActiveRule }
  | { readonly kind: "unusable"; readonly key: string; readonly reason: string };

type Part<T> = { readonly value: T } | { readonly reason: string };

/** Reads a rule with its endpoints (cloud.md 6.1, 6.2); what is wrong with it is said in words. */
export function readRule(
  rule: Rule,
  endpointOf: (namespace: string, name: string) => RuleEndpoint | undefined,
): RuleReading {
  const namespace = rule.metadata.namespace ?? "default";
  const key = `${namespace}/${rule.metadata.name}`;
  const {
    source: sourceName = "",
    target: targetName = "",
    sourceResource = {},
    targetResource = {},
  } = rule.spec ?? {};
  const sourceEndpoint = endpointOf(namespace, sourceName);
  const targetEndpoint = endpointOf(namespace, targetName);
  const unusable = (reason: string): RuleReading => ({ kind: "unusable", key, reason });
  if (!sourceEndpoint) return unusable(`its source, the RuleEndpoint "${sourceName}", does not exist`);
  if (!targetEndpoint) return unusable(`its target, the RuleEndpoint "${targetName}", does not exist`);
  const source = readSource(namespace, sourceEndpoint, sourceResource);
  if ("reason" in source) return unusable(source.reason);
  const target = readTarget(targetEndpoint, targetResource);
  if ("reason" in target) return unusable(target.reason);
  if ((source.value.kind === "rest") === (target.value.kind === "rest"))
    return unusable(
      `nothing goes from ${source.value.kind} to ${target.value.kind}: one end is rest, the other eventbus or servicebus`,
    );
  return { kind: "active", rule: { key, namespace, source: source.value, target: target.value } };
}

function readSource(
  namespace: string,
  endpoint: RuleEndpoint,
  resource: Readonly<Record<string, string>>,
): Part<RuleSource> {
  const { path = "", topic = "", node_name: nodeName = "", target_url: url = "" } = resource;
  switch (endpoint.spec?.ruleEndpointType) {
    case "rest": {
      const pattern = parsePathPattern(path);
      return pattern.length > 0 ? { value: { kind: "rest", pattern } } : { reason: "sourceResource.path is missing" };
    }
    case "eventbus": {
      const filter = `${namespace}/${topic}`;
      if (nodeName === "") return { reason: "sourceResource.node_name is missing" };
      if (topic === "" || !isTopicFilter(filter)) return { reason: `sourceResource.topic "${topic}" is no MQTT topic` };
      return { value: { kind: "eventbus", nodeName, filter } };
    }
    case "servicebus":
      if (nodeName === "") return { reason: "sourceResource.node_name is missing" };
      if (url === "") return { reason: "sourceResource.target_url is missing" };
      return { value: { kind: "servicebus", nodeName, url } };
    default:
      return { reason: "its source's ruleEndpointType is unknown" };
  }
}

function readTarget(endpoint: RuleEndpoint, resource: Readonly<Record<string, string>>): Part<RuleTarget> {
  const { resource: url = "", topic = "", path = "" } = resource;
  switch (endpoint.spec?.ruleEndpointType) {
    case "rest":
      return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
        ? { value: { kind: "rest", url } }
        : { reason: `targetResource.resource "${url}" is no http or https URL` };
    case "eventbus":
      return isTopicName(topic)
        ? { value: { kind: "eventbus", topic } }
        : { reason: `targetResource.topic "${topic}" is no MQTT topic` };
    case "servicebus": {
      const port = Number(endpoint.spec.properties?.["service_port"]);
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        return { reason: "its target's properties.service_port is no port" };
      return { value: { kind: "servicebus", port, path: `/${parsePathPattern(path).join("/")}` } };
    }
    default:
      return { reason: "its target's ruleEndpointType is unknown" };
  }
}
