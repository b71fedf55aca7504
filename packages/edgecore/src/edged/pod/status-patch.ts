import type { PodStatus } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";

/**
 * A strategic merge patch that gives the pod this whole status (U9). Whole and not a difference: entries of the outbox
 * coalesce, so a difference to one that was never delivered would be lost. Conditions of other owners stay.
 */
export function podStatusPatch(uid: string, status: PodStatus): string {
  const conditions = status.conditions ?? [];
  const body: JsonObject = {
    "$setElementOrder/conditions": conditions.map(({ type }) => ({ type })),
    conditions: conditions.map((condition) => ({
      ...condition,
      message: condition.message ?? null,
      reason: condition.reason ?? null,
    })),
    containerStatuses: plain(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ? { initContainerStatuses: plain(status.initContainerStatuses) } : {}),
    ...(status.ephemeralContainerStatuses
      ? { ephemeralContainerStatuses: plain(status.ephemeralContainerStatuses) }
      : {}),
    ...(status.hostIP ? { hostIP: status.hostIP, hostIPs: replaced(status.hostIPs ?? []) } : {}),
    message: status.message ?? null,
    phase: status.phase ?? "Pending",
    ...(status.podIP ? { podIP: status.podIP, podIPs: replaced(status.podIPs ?? []) } : {}),
    ...(status.qosClass ? { qosClass: status.qosClass } : {}),
    reason: status.reason ?? null,
    ...(status.startTime ? { startTime: status.startTime } : {}),
  };
  return JSON.stringify({ metadata: { uid }, status: body });
}

/** Addresses merge by `ip`; without this an old address would stay beside the new one. */
function replaced(addresses: readonly { ip: string }[]): JsonValue[] {
  return [{ $patch: "replace" }, ...addresses.map(({ ip }) => ({ ip }))];
}

function plain(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

/**
 * Whether the cloud's copy of the status says what ours says, in what matters to others. Times and texts that the API
 * server may write differently do not count.
 */
export function saysTheSame(cloud: PodStatus | undefined, ours: PodStatus): boolean {
  return JSON.stringify(essence(cloud)) === JSON.stringify(essence(ours));
}

const OURS: ReadonlySet<string> = new Set(["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"]);

function essence(status: PodStatus | undefined): JsonValue {
  return [
    status?.phase ?? null,
    status?.podIP ?? null,
    (status?.conditions ?? [])
      .filter(({ type }) => OURS.has(type))
      .map(({ type, status: value }) => `${type}=${value}`)
      .sort(),
    [...(status?.containerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])].map(
      ({ name, ready, restartCount, containerID, state }) => [
        name,
        ready,
        restartCount,
        containerID ?? null,
        Object.keys(state ?? {})[0] ?? null,
      ],
    ),
  ];
}
