import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { isPresent } from "./device-state.ts";
import type { DeviceRecord } from "./device-table.ts";
import type { DocumentHead } from "./twin-document.ts";

/** A device named by a membership message (wire.md 12.6). */
export interface Member {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

/** Devices given to and taken from this node. Entries that name no device are left out. */
export function readMembership(content: JsonValue): { added: Member[]; removed: Member[] } {
  const object = isJsonObject(content) ? content : {};
  return { added: readMembers(object["added_devices"]), removed: readMembers(object["removed_devices"]) };
}

/** `membership/get/result`; members without a value are left out, as Go's `omitempty` does. */
export function membershipResult(head: DocumentHead, devices: readonly DeviceRecord[]): JsonObject {
  return {
    event_id: head.eventId,
    timestamp: head.timestampMs,
    devices: devices.map((device) => memberJson(device)),
  };
}

/** `membership/updated`; the side without devices is null. */
export function membershipUpdated(
  head: DocumentHead,
  change: { readonly added?: DeviceRecord; readonly removed?: DeviceRecord },
): JsonObject {
  return {
    event_id: head.eventId,
    timestamp: head.timestampMs,
    added_devices: change.added ? [memberJson(change.added)] : null,
    removed_devices: change.removed ? [memberJson(change.removed)] : null,
  };
}

function memberJson(device: DeviceRecord): JsonObject {
  return {
    id: device.id,
    name: device.name,
    ...(device.description === "" ? {} : { description: device.description }),
    ...(device.state === "" ? {} : { state: device.state }),
    ...(device.lastOnline === "" || !isPresent(device.state) ? {} : { last_online: device.lastOnline }),
  };
}

function readMembers(list: JsonValue | undefined): Member[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item): Member[] => {
    if (!isJsonObject(item)) return [];
    const { id, name, description } = item;
    if (typeof id !== "string" || !/^[^/+#\s]+\/[^/+#\s]+$/.test(id)) return [];
    const ownName = id.slice(id.indexOf("/") + 1);
    return [
      {
        id,
        name: typeof name === "string" ? name : ownName,
        description: typeof description === "string" ? description : "",
      },
    ];
  });
}
