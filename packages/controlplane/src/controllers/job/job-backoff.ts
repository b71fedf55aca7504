import type { Pod } from "@skerry/api";

const INITIAL_MS = 10_000;
const MAXIMUM_MS = 10 * 60_000;

/** How long to wait before a failed pod is replaced: 10 s, doubled by each further failure since the last success. */
export function backoffRemainingMs(pods: readonly Pod[], nowMs: number): number {
  const endings = pods.flatMap((pod) => {
    const { phase } = pod.status ?? {};
    return phase === "Failed" || phase === "Succeeded" ? [{ phase, atMs: endedMs(pod) }] : [];
  });
  const lastSuccessMs = Math.max(0, ...endings.filter(({ phase }) => phase === "Succeeded").map(({ atMs }) => atMs));
  const failuresMs = endings.filter(({ phase, atMs }) => phase === "Failed" && atMs > lastSuccessMs);
  if (failuresMs.length === 0) return 0;
  const delayMs = Math.min(INITIAL_MS * 2 ** (failuresMs.length - 1), MAXIMUM_MS);
  return Math.max(0, Math.max(...failuresMs.map(({ atMs }) => atMs)) + delayMs - nowMs);
}

/** When the pod's last container ended; the pod's creation when nobody says. */
function endedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ""),
  );
  const known = ends.filter((end) => !Number.isNaN(end));
  return known.length > 0 ? Math.max(...known) : Date.parse(pod.metadata.creationTimestamp ?? "") || 0;
}
