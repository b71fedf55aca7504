import { join } from "node:path";
import type { Pod } from "@skerry/api";
import type { ContainerUsage, UsageSource } from "../../edgestream/metrics/usage.ts";
import type { PodPaths } from "../pod/pod-paths.ts";
import { podUidLabel } from "../pod/runtime-names.ts";
import type { ContainerRuntime, DiskUse, FileSystem, HostInfo } from "../ports.ts";
import { emptyDirsOnDisk, type LocalStorageUse, limitsContainers } from "./local-storage-limits.ts";
import type { PodUsage } from "./pod-ranking.ts";
import type { ShortResource } from "./pressure.ts";

/** A pod and where its files are. */
export interface PodOnNode {
  readonly pod: Pod;
  readonly paths: PodPaths;
}

export interface UsagePorts {
  readonly usage?: Pick<UsageSource, "read"> | undefined;
  readonly fileSystem: Pick<FileSystem, "diskUse">;
  readonly host: Pick<HostInfo, "processCounts">;
  readonly runtime: Pick<ContainerRuntime, "listContainers">;
}

/** Which disk is looked at, where images have one of their own. */
export type MeasuredDisk = "all" | "images" | "node";

type ContainersOfPods = ReadonlyMap<string, readonly ContainerUsage[]>;

const NOTHING: DiskUse = { bytes: 0, inodes: 0 };

/** Measures what pods use; only what is asked for, as files have to be walked. */
export class PodUsageReader {
  readonly #ports: UsagePorts;

  constructor(ports: UsagePorts) {
    this.#ports = ports;
  }

  /** Memory that all pods use together. */
  async totalMemoryBytes(): Promise<number> {
    const usage = await this.#ports.usage?.read();
    return (usage?.containers ?? []).reduce((sum, container) => sum + container.memoryWorkingSetBytes, 0);
  }

  /** In the order of the pods. */
  async measure(pods: readonly PodOnNode[], resource: ShortResource, disk: MeasuredDisk): Promise<PodUsage[]> {
    if (resource === "pids") return this.#measureProcesses(pods);
    const containers = await this.#containers();
    const usages: PodUsage[] = [];
    for (const each of pods) {
      const own = containers.get(each.pod.metadata.uid ?? "") ?? [];
      usages.push(resource === "memory" ? memoryOf(own) : await this.#measureDisk(each, own, disk));
    }
    return usages;
  }

  /** What pods with limits on the node's disk use of it, in their order. */
  async localStorage(pods: readonly PodOnNode[]): Promise<LocalStorageUse[]> {
    const isNeeded = pods.some(({ pod }) => limitsContainers(pod));
    const containers: ContainersOfPods = isNeeded ? await this.#containers() : new Map();
    const uses: LocalStorageUse[] = [];
    for (const each of pods) {
      const emptyDirBytes = new Map<string, number>();
      for (const { name } of emptyDirsOnDisk(each.pod))
        emptyDirBytes.set(name, (await this.#emptyDir(each.paths, name)).bytes);
      const containerBytes = new Map<string, number>();
      for (const own of containers.get(each.pod.metadata.uid ?? "") ?? [])
        containerBytes.set(own.container, own.diskUsedBytes + (await this.#logs(each.paths, own.container)).bytes);
      uses.push({ emptyDirBytes, containerBytes });
    }
    return uses;
  }

  async #measureDisk(
    { pod, paths }: PodOnNode,
    containers: readonly ContainerUsage[],
    disk: MeasuredDisk,
  ): Promise<PodUsage> {
    const measured: PodUsage["containers"][number][] = [];
    let { bytes: diskBytes, inodes } = NOTHING;
    for (const container of containers) {
      const logs = disk === "images" ? NOTHING : await this.#logs(paths, container.container);
      const layer = disk === "node" ? NOTHING : { bytes: container.diskUsedBytes, inodes: container.diskInodes };
      inodes += logs.inodes + layer.inodes;
      diskBytes += logs.bytes + layer.bytes;
      measured.push({ name: container.container, memoryBytes: 0, diskBytes: logs.bytes + layer.bytes });
    }
    if (disk !== "images")
      for (const { name } of emptyDirsOnDisk(pod)) {
        const volume = await this.#emptyDir(paths, name);
        diskBytes += volume.bytes;
        inodes += volume.inodes;
      }
    return { memoryBytes: 0, diskBytes, inodes, processes: 0, containers: measured };
  }

  async #measureProcesses(pods: readonly PodOnNode[]): Promise<PodUsage[]> {
    const { host, runtime } = this.#ports;
    const [counts, containers] = await Promise.all([host.processCounts(), runtime.listContainers()]);
    const processes = new Map<string, number>();
    for (const { id, labels } of containers) {
      const uid = labels[podUidLabel] ?? "";
      processes.set(uid, (processes.get(uid) ?? 0) + (counts.get(id) ?? 0));
    }
    return pods.map(({ pod }) => ({
      memoryBytes: 0,
      diskBytes: 0,
      inodes: 0,
      processes: processes.get(pod.metadata.uid ?? "") ?? 0,
      containers: [],
    }));
  }

  async #containers(): Promise<ContainersOfPods> {
    const usage = await this.#ports.usage?.read();
    return Map.groupBy(usage?.containers ?? [], ({ podUid }) => podUid);
  }

  #emptyDir(paths: PodPaths, name: string): Promise<DiskUse> {
    return this.#ports.fileSystem.diskUse(paths.volume("empty-dir", name));
  }

  #logs(paths: PodPaths, container: string): Promise<DiskUse> {
    return this.#ports.fileSystem.diskUse(join(paths.logs, container));
  }
}

function memoryOf(containers: readonly ContainerUsage[]): PodUsage {
  const measured = containers.map(({ container, memoryWorkingSetBytes }) => ({
    name: container,
    memoryBytes: memoryWorkingSetBytes,
    diskBytes: 0,
  }));
  const memoryBytes = measured.reduce((sum, each) => sum + each.memoryBytes, 0);
  return { memoryBytes, diskBytes: 0, inodes: 0, processes: 0, containers: measured };
}
