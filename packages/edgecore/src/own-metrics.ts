import type { Metric } from "@skerry/base";
import type { Edged } from "./edged/index.ts";
import type { CloudLink } from "./edgehub/cloud-link.ts";
import type { MetaManager } from "./metamanager/index.ts";
import type { SampleRing } from "./telemetry/index.ts";

/**
 * EdgeCore's own metrics; docs/metrics.md names them. None has a label, so their number is fixed.
 * @param samples left out where no samples are kept
 * @param edged left out where no pods run
 */
export function ownMetrics(
  meta: MetaManager,
  { state }: Pick<CloudLink, "state">,
  samples: Pick<SampleRing, "counters"> | undefined,
  edged: Pick<Edged, "runtimeEvents"> | undefined,
): Metric[] {
  const { dropped, refused } = meta.lost;
  return [
    single("link_connected", "Whether the link to the cloud is open", state.kind === "connected" ? 1 : 0),
    single("link_state_since_seconds", "Since when, in seconds of the Unix epoch", Math.round(state.sinceMs / 1000)),
    single("outbox_entries", "Changes that wait for the cloud", meta.read((reader) => meta.outbox.keys(reader)).length),
    single("outbox_dropped_total", "Events and uploads lost to the outbox's limit", dropped, "counter"),
    single("outbox_refused_total", "Changes that the cloud refused for good", refused, "counter"),
    single("pods", "Pods of this node in EdgeCore's store", meta.list("pod").length),
    ...(samples ? ringMetrics(samples.counters) : []),
    ...(edged ? eventMetrics(edged.runtimeEvents) : []),
  ];
}

function ringMetrics({ dropped, refused, bytes }: SampleRing["counters"]): Metric[] {
  return [
    single("samples_dropped_total", "Samples that left the full ring before the cloud had them", dropped, "counter"),
    single("samples_refused_total", "Samples that the disk could not take since the start", refused, "counter"),
    single("samples_ring_bytes", "Size of the samples in the ring", bytes),
  ];
}

function eventMetrics({ heard, missed }: Edged["runtimeEvents"]): Metric[] {
  return [
    single("runtime_events_total", "Events of the container runtime since the start", heard, "counter"),
    single("runtime_events_missed_total", "Changes of containers that no event had told", missed, "counter"),
  ];
}

function single(name: string, help: string, value: number, type: Metric["type"] = "gauge"): Metric {
  return { name: `skerry_edge_${name}`, help, type, samples: [{ value }] };
}
