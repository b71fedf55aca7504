import { readFile, statfs } from "node:fs/promises";
import { UnixGrpcClient } from "@skerry/grpc/platform";
import { runtimeCallFailed, runtimeTimeout, runtimeUnavailable } from "../../edged/errors.ts";
import { eachField } from "../../edged/platform/message-fields.ts";
import {
  containerNameLabel,
  nodeLabel,
  podNameLabel,
  podNamespaceLabel,
  podUidLabel,
} from "../../edged/pod/runtime-names.ts";
import type { ContainerUsage, MachineUsage, Usage, UsageSource } from "../metrics/usage.ts";

const CALL_TIMEOUT_MS = 10_000;
/** Linux counts CPU time in hundredths of a second, on every machine that Node.js runs on. */
const NANOS_PER_TICK = 1e7;

export interface MachineUsageOptions {
  /** The runtime's socket, with or without `unix://`. */
  readonly endpoint: string;
  readonly nodeName: string;
  /** Names the file system to look at. */
  readonly diskPath: string;
  readonly now: () => number;
}

/** The {@link UsageSource} port over /proc and CRI v1, whose one message is read by hand. */
export class MachineUsageSource implements UsageSource, AsyncDisposable {
  readonly #options: MachineUsageOptions;
  readonly #client: UnixGrpcClient;

  constructor(options: MachineUsageOptions) {
    this.#options = options;
    this.#client = new UnixGrpcClient(options.endpoint.replace(/^unix:(\/\/)?/, ""), {
      unavailable: runtimeUnavailable,
      timeout: runtimeTimeout,
      failed: runtimeCallFailed,
    });
  }

  async read(): Promise<Usage> {
    const machine = await this.#machine();
    const answer = await this.#client.call({
      method: "/runtime.v1.RuntimeService/ListContainerStats",
      request: new Uint8Array(),
      timeoutMs: CALL_TIMEOUT_MS,
    });
    const containers = readContainerStats(answer).flatMap(({ labels, ...usage }) =>
      labels.get(nodeLabel) !== this.#options.nodeName || usage.atMs === 0
        ? []
        : [
            {
              ...usage,
              namespace: labels.get(podNamespaceLabel) ?? "",
              pod: labels.get(podNameLabel) ?? "",
              podUid: labels.get(podUidLabel) ?? "",
              container: labels.get(containerNameLabel) ?? "",
            },
          ],
    );
    return { machine, containers };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  async #machine(): Promise<MachineUsage> {
    const [stat, memory, disk] = await Promise.all([
      readFile("/proc/stat", "latin1"),
      readFile("/proc/meminfo", "latin1"),
      statfs(this.#options.diskPath),
    ]);
    // user, nice, system, idle, iowait, irq, softirq, steal
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
      /^cpu +([\d ]+)/.exec(stat)?.[1]?.split(" ").map(Number) ?? [];
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(memory)?.[1] ?? 0);
    return {
      atMs: this.#options.now(),
      cpuNanos: (user + nice + system + irq + softirq) * NANOS_PER_TICK,
      // Like a container's: all but what the kernel could give back at once.
      memoryWorkingSetBytes: (kilobytes("MemTotal") - kilobytes("MemFree") - kilobytes("Inactive\\(file\\)")) * 1024,
      memoryAvailableBytes: kilobytes("MemAvailable") * 1024,
      diskTotalBytes: disk.blocks * disk.bsize,
      diskAvailableBytes: disk.bavail * disk.bsize,
    };
  }
}

type RawStats = Omit<ContainerUsage, "namespace" | "pod" | "podUid" | "container"> & {
  readonly labels: ReadonlyMap<string, string>;
};

/** CRI's ListContainerStatsResponse: `stats = 1`. */
export function readContainerStats(bytes: Uint8Array): RawStats[] {
  const found: RawStats[] = [];
  eachField(bytes, (number, reader) => {
    if (number !== 1) return false;
    found.push(readStats(reader.bytes()));
    return true;
  });
  return found;
}

/** ContainerStats: attributes = 1, cpu = 2, memory = 3, writable_layer = 4. */
function readStats(bytes: Uint8Array): RawStats {
  const labels = new Map<string, string>();
  let cpu: ReadonlyMap<number, number> = new Map();
  let memory: ReadonlyMap<number, number> = new Map();
  let layer: ReadonlyMap<number, number> = new Map();
  eachField(bytes, (number, reader) => {
    if (number < 1 || number > 4) return false;
    const part = reader.bytes();
    if (number === 1) readLabels(part, labels);
    else if (number === 2) cpu = readNumbers(part);
    else if (number === 3) memory = readNumbers(part);
    else layer = readNumbers(part);
    return true;
  });
  return {
    labels,
    atMs: (cpu.get(1) ?? 0) / 1e6,
    cpuNanos: cpu.get(2) ?? 0,
    memoryWorkingSetBytes: memory.get(2) ?? 0,
    memoryUsageBytes: memory.get(4) ?? 0,
    memoryRssBytes: memory.get(5) ?? 0,
    diskUsedBytes: layer.get(3) ?? 0,
    diskInodes: layer.get(4) ?? 0,
  };
}

/** ContainerAttributes: labels = 3, a map. */
function readLabels(bytes: Uint8Array, labels: Map<string, string>): void {
  eachField(bytes, (number, reader) => {
    if (number !== 3) return false;
    let key = "";
    let value = "";
    eachField(reader.bytes(), (part, entry) => {
      if (part === 1) key = entry.string();
      else if (part === 2) value = entry.string();
      else return false;
      return true;
    });
    labels.set(key, value);
    return true;
  });
}

/** Members that are numbers, or an UInt64Value (`value = 1`), by their field number. */
function readNumbers(bytes: Uint8Array): Map<number, number> {
  const numbers = new Map<number, number>();
  eachField(bytes, (number, reader, wireType) => {
    if (wireType === 0) numbers.set(number, Number(reader.uint64()));
    else if (wireType === 2)
      eachField(reader.bytes(), (inner, value, innerType) => {
        if (inner !== 1 || innerType !== 0) return false;
        numbers.set(number, Number(value.uint64()));
        return true;
      });
    else return false;
    return true;
  });
  return numbers;
}
