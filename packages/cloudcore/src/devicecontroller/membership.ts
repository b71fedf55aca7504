import type { KubernetesObject, MembershipDevice, MembershipUpdate } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { type Message, type MessageStamp, newMessage } from "@skerry/link";

/** Says that a device is now bound to the node, or no longer (wire.md D10, D11). */
export function membershipMessage(stamp: MessageStamp, change: "added" | "removed", device: KubernetesObject): Message {
  const { namespace = "", name, labels } = device.metadata;
  const description = labels?.["description"];
  const entry: MembershipDevice = { id: `${namespace}/${name}`, name, ...(description ? { description } : {}) };
  const update: MembershipUpdate & JsonObject = {
    event_id: stamp.random.uuid(),
    timestamp: stamp.clock.now(),
    added_devices: change === "added" ? [{ ...entry }] : null,
    removed_devices: change === "removed" ? [{ ...entry }] : null,
  };
  const route = { source: "devicecontroller", group: "twin", operation: "update", resource: "membership" };
  return newMessage(stamp, route, update as JsonObject);
}
