import { type JsonObject, type Metric, metricText } from "@skerry/base";
import type { OfflineUsage } from "./offline-usage.ts";
import { podsOf, resourceMetrics, total } from "./resource-metrics.ts";
import type { ResourceUsage } from "./usage.ts";
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
  /** What was measured while the link was down. */
  readonly offline: Pick<OfflineUsage, "since">;
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

  /**
   * Undefined for a path that is none of these.
   * @param query `since=MS` asks `/metrics/resource` for what was measured offline after that time as well
   * @throws SkerryError `RUNTIME_*`
   */
  async answer(path: string, query = ""): Promise<NodeAnswer | undefined> {
    const { meter, own } = this.#options;
    switch (path) {
      case "/metrics":
        return { contentType: TEXT, text: metricText(own()) };
      case "/stats/summary":
        return { contentType: "application/json", text: JSON.stringify(this.#summary(await meter.measure())) };
      case "/metrics/resource":
        return { contentType: TEXT, text: metricText(resourceMetrics(await this.#measurements(query))) };
      case "/metrics/cadvisor":
        return { contentType: TEXT, text: metricText(cadvisorMetrics(await meter.measure())) };
      default:
        return undefined;
    }
  }

  /** Oldest first: of one series Prometheus takes no older value after a newer one. */
  async #measurements(query: string): Promise<readonly ResourceUsage[]> {
    const { meter, offline } = this.#options;
    const since = new URLSearchParams(query).get("since");
    if (since === null) return [await meter.measure()];
    const { measurements, complete } = offline.since(Number(since) || 0);
    return complete ? [...measurements, await meter.measure()] : measurements;
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

/** Undefined while that of a container is not known. */
function totalCores(own: readonly Container[]): number | undefined {
  return own.reduce<number | undefined>(
    (sum, { nanoCores }) => (sum === undefined || nanoCores === undefined ? undefined : sum + nanoCores),
    0,
  );
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
