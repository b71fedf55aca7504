import { readFileSync } from "node:fs";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { childProcesses, descendants } from "@skerry/base/platform";
import type { DiskUse } from "../../edged/ports.ts";
import type { Container } from "./container-record.ts";

/** What a container's processes use together. */
interface ProcessUsage {
  readonly cpuNanos: number;
  readonly memoryBytes: number;
}

/** Linux counts CPU time in hundredths of a second, on every machine that Node.js runs on. */
const NANOS_PER_TICK = 1e7;
const NANOS_PER_MS = 1_000_000n;
const VARINT = 0;
const BYTES = 2;

/**
 * CRI's ListContainerStatsResponse for the containers that run, written by hand as Edged reads it.
 * @param written what each has written over its image, by its id; left out where it is not known
 */
export function encodeContainerStats(
  containers: readonly Container[],
  written: ReadonlyMap<string, DiskUse>,
  nowMs: number,
): Uint8Array {
  const answer = new BinaryWriter();
  const children = childProcesses();
  for (const { id, config, state, end } of containers) {
    const usage = state.run && !end ? processUsage(state.run.main.processId, children) : undefined;
    if (!usage) continue;
    const stats = answer.uint32(tag(1, BYTES)).fork();
    const attributes = stats.uint32(tag(1, BYTES)).fork();
    attributes.uint32(tag(1, BYTES)).string(id);
    for (const [name, value] of Object.entries(config.labels ?? {}))
      attributes
        .uint32(tag(3, BYTES))
        .fork()
        .uint32(tag(1, BYTES))
        .string(name)
        .uint32(tag(2, BYTES))
        .string(value)
        .join();
    attributes.join();
    measured(stats, 2, nowMs, [[2, usage.cpuNanos]]);
    measured(stats, 3, nowMs, [
      [2, usage.memoryBytes],
      [4, usage.memoryBytes],
      [5, usage.memoryBytes],
    ]);
    const layer = written.get(id);
    if (layer)
      measured(stats, 4, nowMs, [
        [3, layer.bytes],
        [4, layer.inodes],
      ]);
    stats.join();
  }
  return answer.finish();
}

/** CRI's ImageFsInfoResponse: where images are. */
export function encodeImageFolder(folder: string, nowMs: number): Uint8Array {
  const answer = new BinaryWriter();
  const usage = answer.uint32(tag(1, BYTES)).fork();
  usage.uint32(tag(1, VARINT)).int64(BigInt(nowMs) * NANOS_PER_MS);
  usage.uint32(tag(2, BYTES)).fork().uint32(tag(1, BYTES)).string(folder).join();
  usage.join();
  return answer.finish();
}

/** A time, and UInt64Values by their field numbers. */
function measured(
  stats: BinaryWriter,
  number: number,
  nowMs: number,
  values: readonly (readonly [field: number, value: number])[],
): void {
  const part = stats.uint32(tag(number, BYTES)).fork();
  part.uint32(tag(1, VARINT)).int64(BigInt(nowMs) * NANOS_PER_MS);
  for (const [field, value] of values)
    part
      .uint32(tag(field, BYTES))
      .fork()
      .uint32(tag(1, VARINT))
      .uint64(BigInt(Math.round(value)))
      .join();
  part.join();
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** Of a process and all below it; undefined when it has ended. What has ended below it counts with its parent. */
function processUsage(mainId: number, children: ReadonlyMap<number, readonly number[]>): ProcessUsage | undefined {
  let ticks = 0;
  let memoryBytes = 0;
  const all = [mainId, ...descendants([mainId], children)];
  for (const processId of all) {
    const fields = statFields(processId);
    if (!fields && processId === mainId) return undefined;
    // After the name: state is the first; then utime 12th, stime, cutime and cstime.
    for (const at of [11, 12, 13, 14]) ticks += Number(fields?.[at] ?? 0);
    memoryBytes += residentBytes(processId);
  }
  return { cpuNanos: ticks * NANOS_PER_TICK, memoryBytes };
}

function statFields(processId: number): string[] | undefined {
  const stat = processFile(processId, "stat");
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Not from the file `stat`, which counts in pages: their size is not the same on all machines. */
function residentBytes(processId: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(processFile(processId, "status") ?? "")?.[1] ?? 0) * 1024;
}

/** Undefined when the process has ended. */
function processFile(processId: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${processId}/${name}`, "latin1");
  } catch {
    return undefined;
  }
}
