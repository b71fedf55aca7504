import type { Metric } from "@skerry/base";
import type { ResourceUsage } from "./usage.ts";

const NANO = 1e9;

/** What metrics-server reads; of each series one value a measurement. */
export function resourceMetrics(measurements: readonly ResourceUsage[]): Metric[] {
  const metric = (
    name: string,
    help: string,
    type: Metric["type"],
    samples: (measurement: ResourceUsage) => Metric["samples"],
  ): Metric => ({ name, help, type, samples: measurements.flatMap(samples) });
  type Measured = ResourceUsage["containers"][number];
  const ofContainers =
    (read: (container: Measured) => number) =>
    ({ containers }: ResourceUsage): Metric["samples"] =>
      containers.map((each) => {
        const { container, namespace, pod, atMs } = each;
        return { labels: { container, namespace, pod }, value: read(each), atMs };
      });
  const ofPods =
    (read: (own: readonly Measured[]) => number) =>
    ({ machine, containers }: ResourceUsage): Metric["samples"] =>
      [...podsOf(containers).values()].map((own) => {
        const [{ namespace = "", pod = "" } = {}] = own;
        return { labels: { namespace, pod }, value: read(own), atMs: machine.atMs };
      });
  return [
    metric("node_cpu_usage_seconds_total", "CPU time of the node in core-seconds", "counter", ({ machine }) => [
      { value: machine.cpuNanos / NANO, atMs: machine.atMs },
    ]),
    metric("node_memory_working_set_bytes", "Working set of the node in bytes", "gauge", ({ machine }) => [
      { value: machine.memoryWorkingSetBytes, atMs: machine.atMs },
    ]),
    metric(
      "container_cpu_usage_seconds_total",
      "CPU time of the container in core-seconds",
      "counter",
      ofContainers(({ cpuNanos }) => cpuNanos / NANO),
    ),
    metric(
      "container_memory_working_set_bytes",
      "Working set of the container in bytes",
      "gauge",
      ofContainers(({ memoryWorkingSetBytes }) => memoryWorkingSetBytes),
    ),
    metric(
      "pod_cpu_usage_seconds_total",
      "CPU time of the pod in core-seconds",
      "counter",
      ofPods((own) => total(own, "cpuNanos") / NANO),
    ),
    metric(
      "pod_memory_working_set_bytes",
      "Working set of the pod in bytes",
      "gauge",
      ofPods((own) => total(own, "memoryWorkingSetBytes")),
    ),
    {
      name: "resource_scrape_error",
      help: "1 if the node could not be measured",
      type: "gauge",
      samples: [{ value: 0 }],
    },
  ];
}

/** By the pods' UIDs. */
export function podsOf<Own extends { readonly podUid: string }>(containers: readonly Own[]): Map<string, Own[]> {
  const pods = new Map<string, Own[]>();
  for (const container of containers) {
    const own = pods.get(container.podUid) ?? [];
    own.push(container);
    pods.set(container.podUid, own);
  }
  return pods;
}

/** Of all containers of a pod. */
export function total<Member extends string>(own: readonly Readonly<Record<Member, number>>[], member: Member): number {
  return own.reduce((sum, container) => sum + container[member], 0);
}
