import { DYNAMIC_CONTROLLER_SOURCE, type Message } from "@skerry/link";

/** Who takes messages from the cloud that no request waits for. */
export type DownstreamTarget =
  | "metamanager"
  | "devicetwin"
  | "eventbus"
  | "servicebus"
  | "taskmanager"
  | "edgestream"
  | "metaserver";

/** The module that a message is for (wire.md 13.1); undefined when there is none. */
export function targetOf(message: Message): DownstreamTarget | undefined {
  const { group, source } = message.route;
  // What applications watch is none of the node's own objects.
  if (source === DYNAMIC_CONTROLLER_SOURCE) return "metaserver";
  switch (group) {
    case "resource":
    case "func":
    case "set":
      return "metamanager";
    case "twin":
      return "devicetwin";
    case "user":
      if (source === "router_eventbus") return "eventbus";
      return source === "router_servicebus" ? "servicebus" : undefined;
    case "streams":
      return source === "skerry" ? "edgestream" : undefined;
    case "taskmanager":
      return "taskmanager";
    default:
      return undefined;
  }
}

/**
 * How many messages a module may have begun with at the same time. The database keeps their order and commits
 * several at once; every other module takes one after another.
 */
export function concurrencyOf(target: DownstreamTarget): number {
  return target === "metamanager" || target === "metaserver" ? 32 : 1;
}
