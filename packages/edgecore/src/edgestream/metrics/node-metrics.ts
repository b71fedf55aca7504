import { type JsonObject, type Metric, metricText } from "@skerry/base";
import type { MeteredUsage, UsageMeter } from "./usage-meter.ts";

/** The answer to a request of the node's own paths. */
export interface NodeAnswer {
  readonly contentType: string;
  readonly text: string;
}

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const NANO = 1e9;

export interface NodeMetricsOptions {
  readonly nodeName: string;
  readonly meter: Pick<UsageMeter, "measure">;
  /** EdgeCore's own metrics. */
  readonly own: () => readonly Metric[];
}

type Container = MeteredUsage["containers"][number];

/** The kubelet's `/stats/summary`, `/metrics/resource` and the essentials of `/metrics/cadvisor`; EdgeCore's `/metrics`. */
export class NodeMetrics {
  readonly #options: NodeMetricsOptions;

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
  }

  /** Undefined for a path that is none of these. @throws SkerryError `RUNTIME_*` */
  async answer(path: string): Promise<NodeAnswer | undefined> {
    const { meter, own } = this.#options;
    switch (path) {
      case "/metrics":
        return { contentType: TEXT, text: metricText(own()) };
      case "/stats/summary":
        return { contentType: "application/json", text: JSON.stringify(this.#summary(await meter.measure())) };
      case "/metrics/resource":
        return { contentType: TEXT, text: metricText(resourceMetrics(await meter.measure())) };
      case "/metrics/cadvisor":
        return { contentType: TEXT, text: metricText(cadvisorMetrics(await meter.measure())) };
      default:
        return undefined;
    }
  }

  #summary({ machine, containers }: MeteredUsage): JsonObject {
    const time = new Date(machine.atMs).toISOString();
    return {
      node: {
        nodeName: this.#options.nodeName,
        cpu: cpuStats(time, machine.cpuNanos, machine.nanoCores),
        memory: {
          time,
          availableBytes: machine.memoryAvailableBytes,
          workingSetBytes: machine.memoryWorkingSetBytes,
        },
        fs: {
          time,
          availableBytes: machine.diskAvailableBytes,
          capacityBytes: machine.diskTotalBytes,
          usedBytes: machine.diskTotalBytes - machine.diskAvailableBytes,
        },
      },
      pods: [...podsOf(containers)].map(([uid, own]) => podStats(uid, own)),
    };
  }
}

function podsOf(containers: readonly Container[]): Map<string, Container[]> {
  const pods = new Map<string, Container[]>();
  for (const container of containers) {
    const own = pods.get(container.podUid) ?? [];
    own.push(container);
    pods.set(container.podUid, own);
  }
  return pods;
}

function podStats(uid: string, own: readonly Container[]): JsonObject {
  const [first] = own;
  const time = new Date(Math.max(...own.map(({ atMs }) => atMs))).toISOString();
  return {
    podRef: { name: first?.pod ?? "", namespace: first?.namespace ?? "", uid },
    cpu: cpuStats(time, total(own, "cpuNanos"), totalCores(own)),
    memory: {
      time,
      usageBytes: total(own, "memoryUsageBytes"),
      workingSetBytes: total(own, "memoryWorkingSetBytes"),
      rssBytes: total(own, "memoryRssBytes"),
    },
    containers: own.map((container) => {
      const at = new Date(container.atMs).toISOString();
      return {
        name: container.container,
        cpu: cpuStats(at, container.cpuNanos, container.nanoCores),
        memory: {
          time: at,
          usageBytes: container.memoryUsageBytes,
          workingSetBytes: container.memoryWorkingSetBytes,
          rssBytes: container.memoryRssBytes,
        },
        rootfs: { time: at, usedBytes: container.diskUsedBytes },
      };
    }),
  };
}

function cpuStats(time: string, cpuNanos: number, usageNanoCores: number | undefined): JsonObject {
  return { time, ...(usageNanoCores === undefined ? {} : { usageNanoCores }), usageCoreNanoSeconds: cpuNanos };
}

function total(
  own: readonly Container[],
  member: "cpuNanos" | "memoryUsageBytes" | "memoryWorkingSetBytes" | "memoryRssBytes",
): number {
  return own.reduce((sum, container) => sum + container[member], 0);
}

/** Undefined while that of a container is not known. */
function totalCores(own: readonly Container[]): number | undefined {
  return own.reduce<number | undefined>(
    (sum, { nanoCores }) => (sum === undefined || nanoCores === undefined ? undefined : sum + nanoCores),
    0,
  );
}

/** What metrics-server reads. */
function resourceMetrics({ machine, containers }: MeteredUsage): Metric[] {
  const { atMs } = machine;
  const labels = ({ container, namespace, pod }: Container) => ({ container, namespace, pod });
  const pods = [...podsOf(containers).values()];
  const podLabels = ([first]: readonly Container[]) => ({ namespace: first?.namespace ?? "", pod: first?.pod ?? "" });
  return [
    {
      name: "node_cpu_usage_seconds_total",
      help: "CPU time of the node in core-seconds",
      type: "counter",
      samples: [{ value: machine.cpuNanos / NANO, atMs }],
    },
    {
      name: "node_memory_working_set_bytes",
      help: "Working set of the node in bytes",
      type: "gauge",
      samples: [{ value: machine.memoryWorkingSetBytes, atMs }],
    },
    {
      name: "container_cpu_usage_seconds_total",
      help: "CPU time of the container in core-seconds",
      type: "counter",
      samples: containers.map((each) => ({ labels: labels(each), value: each.cpuNanos / NANO, atMs: each.atMs })),
    },
    {
      name: "container_memory_working_set_bytes",
      help: "Working set of the container in bytes",
      type: "gauge",
      samples: containers.map((each) => ({ labels: labels(each), value: each.memoryWorkingSetBytes, atMs: each.atMs })),
    },
    {
      name: "pod_cpu_usage_seconds_total",
      help: "CPU time of the pod in core-seconds",
      type: "counter",
      samples: pods.map((own) => ({ labels: podLabels(own), value: total(own, "cpuNanos") / NANO, atMs })),
    },
    {
      name: "pod_memory_working_set_bytes",
      help: "Working set of the pod in bytes",
      type: "gauge",
      samples: pods.map((own) => ({ labels: podLabels(own), value: total(own, "memoryWorkingSetBytes"), atMs })),
    },
    {
      name: "resource_scrape_error",
      help: "1 if the node could not be measured",
      type: "gauge",
      samples: [{ value: 0 }],
    },
  ];
}

function cadvisorMetrics({ containers }: MeteredUsage): Metric[] {
  const gauge = (
    name: string,
    help: string,
    value: (each: Container) => number,
    type: Metric["type"] = "gauge",
  ): Metric => ({
    name,
    help,
    type,
    samples: containers.map((each) => ({
      labels: { container: each.container, namespace: each.namespace, pod: each.pod },
      value: value(each),
      atMs: each.atMs,
    })),
  });
  return [
    gauge("container_cpu_usage_seconds_total", "CPU time in seconds", ({ cpuNanos }) => cpuNanos / NANO, "counter"),
    gauge("container_memory_working_set_bytes", "Working set in bytes", (each) => each.memoryWorkingSetBytes),
    gauge("container_memory_usage_bytes", "Memory in bytes, caches included", (each) => each.memoryUsageBytes),
    gauge("container_memory_rss", "Resident set in bytes", (each) => each.memoryRssBytes),
    gauge("container_fs_usage_bytes", "Writable layer in bytes", (each) => each.diskUsedBytes),
  ];
}
