/** What a device's client asks for; the part of the topic behind the device (devices.md 5.1). */
export type DeviceAction = "twin/update" | "twin/get" | "state/update";

/** A topic of `$hw/events/…` taken apart. */
export type EventTopic =
  | {
      readonly kind: "device";
      readonly deviceId: string;
      /** What the topic calls the device: its id, or as of old its name alone. */
      readonly called: string;
      readonly action: DeviceAction;
    }
  | { readonly kind: "membership"; readonly nodeName: string }
  /** Samples that are no part of the twin: KubeEdge's `data` (devices.md 9.1). */
  | { readonly kind: "data"; readonly deviceId: string }
  /** Reserved, but nothing that a client at the edge may send, e.g. `twin/cloud_updated`. */
  | { readonly kind: "other" };

const deviceActions: readonly DeviceAction[] = ["twin/update", "twin/get", "state/update"];

/** Whether the topic belongs to DeviceTwin (devices.md 5.1); all others are uploads. */
export function isDeviceTwinTopic(topic: string): boolean {
  return (
    topic.startsWith("$hw/events/device/") ||
    topic.startsWith("$hw/events/node/") ||
    topic.startsWith("$ke/events/device/")
  );
}

const DEVICE_ROOT = "$hw/events/device/";

/** Takes a topic apart by its levels, never by searching text in it. */
export function parseEventTopic(topic: string): EventTopic {
  if (topic.startsWith(DEVICE_ROOT)) return parseDeviceTopic(topic.slice(DEVICE_ROOT.length));
  const levels = topic.split("/");
  const [root, events, kind, first = "", second = "", ...rest] = levels;
  if (root === "$ke") return parseDataTopic(levels.slice(1));
  if (root !== "$hw" || events !== "events" || first === "") return { kind: "other" };
  if (kind === "node" && second === "membership" && rest.join("/") === "get")
    return { kind: "membership", nodeName: first };
  return { kind: "other" };
}

/**
 * `[<namespace>/]<name>/<action>`: before KubeEdge knew namespaces of devices, and in its older examples still, topics had
 * the name alone.
 */
function parseDeviceTopic(levels: string): EventTopic {
  const action = deviceActions.find((candidate) => levels.endsWith(candidate));
  const called = action === undefined ? "" : levels.slice(0, -action.length);
  const names = called.split("/", 4);
  // What is before the action ends with a slash.
  if (action === undefined || names.pop() !== "" || names.length > 2 || names.length === 0 || names.includes(""))
    return { kind: "other" };
  const [name] = names;
  const path = called.slice(0, -1);
  return { kind: "device", deviceId: names.length === 1 ? `default/${name}` : path, called: path, action };
}

/** `$ke/events/device/[<namespace>/]<name>/data/update`; without a namespace, as of old, it is `default`. */
function parseDataTopic(levels: readonly string[]): EventTopic {
  const [events, kind, ...rest] = levels;
  const names = rest.slice(0, -2);
  const isData = events === "events" && kind === "device" && rest.slice(-2).join("/") === "data/update";
  if (!isData || names.length > 2 || names.length === 0 || names.includes("")) return { kind: "other" };
  return { kind: "data", deviceId: names.length === 2 ? names.join("/") : `default/${names[0]}` };
}

/** `$hw/events/device/<namespace>/<name>/<rest>`, or as of old `$hw/events/device/<name>/<rest>`. */
export function deviceTopic(called: string, rest: string): string {
  return `$hw/events/device/${called}/${rest}`;
}

/** What older clients call a device: its name alone; undefined outside of the namespace `default`. */
export function olderCall(deviceId: string): string | undefined {
  return deviceId.startsWith("default/") ? deviceId.slice("default/".length) : undefined;
}

/** `$hw/events/node/<node>/<rest>`. */
export function nodeTopic(nodeName: string, rest: string): string {
  return `$hw/events/node/${nodeName}/${rest}`;
}
