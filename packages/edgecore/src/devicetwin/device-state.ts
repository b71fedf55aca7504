import { type JsonObject, toKubernetesTime } from "@skerry/base";
import { requestInvalid, stateUnknown } from "./errors.ts";
import type { DocumentHead } from "./twin-document.ts";

/** State of a device as its driver reports it. */
export interface DeviceState {
  /** In the reporter's letter case, as in KubeEdge. */
  readonly state: string;
  /** RFC 3339 UTC; "" when the device is not there. */
  readonly lastOnline: string;
}

/** Accepted in any letter case (devices.md 6.6); `disconnected` is what mappers say and KubeEdge drops. */
const knownStates = new Set(["online", "offline", "ok", "unknown", "unhealthy", "disconnected"]);

/** @throws `DEVICETWIN_REQUEST_INVALID`, `DEVICETWIN_STATE_UNKNOWN` */
export function readState(request: JsonObject, nowMs: number): DeviceState {
  const state = request["state"];
  if (typeof state !== "string") throw requestInvalid('it has no "state"');
  if (!knownStates.has(state.toLowerCase())) throw stateUnknown(state);
  return { state, lastOnline: isPresent(state) ? toKubernetesTime(nowMs) : "" };
}

/** Whether the device is there in this state. */
export function isPresent(state: string): boolean {
  const folded = state.toLowerCase();
  return folded === "online" || folded === "ok";
}

/** When the device was last there, now that it is in the state `after`: RFC 3339 UTC; "" when it never was. */
export function lastOnlineAfter(before: DeviceState, after: string, nowMs: number): string {
  // Of a driver that has ended nobody knows how long its device was there still.
  const hasJustLeft = isPresent(before.state) && after.toLowerCase() !== "unknown";
  return isPresent(after) || hasJustLeft ? toKubernetesTime(nowMs) : before.lastOnline;
}

/** `state/update/result`, and the content of the report to the cloud (wire.md 12.6, U26). */
export function stateDocument(head: DocumentHead, name: string, state: DeviceState): JsonObject {
  return {
    event_id: head.eventId,
    timestamp: head.timestampMs,
    device: {
      name,
      state: state.state,
      ...(state.lastOnline === "" ? {} : { lastOnlineTime: state.lastOnline }),
    },
  };
}
