import { readFileSync } from "node:fs";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { descendants } from "@skerry/base/platform";
import type { Container } from "./container-record.ts";

/** What a container's processes use together. */
interface ProcessUsage {
  readonly cpuNanos: number;
  readonly memoryBytes: number;
}

/** Linux counts CPU time in hundredths of a second, and memory in pages, on every machine that Node.js runs on. */
const NANOS_PER_TICK = 1e7;
const PAGE_BYTES = 4096;
const NANOS_PER_MS = 1_000_000n;
const VARINT = 0;
const BYTES = 2;

/** CRI's ListContainerStatsResponse for the containers that run, written by hand as Edged reads it. */
export function encodeContainerStats(containers: readonly Container[], nowMs: number): Uint8Array {
  const answer = new BinaryWriter();
  for (const { id, config, state, end } of containers) {
    const usage = state.run && !end ? processUsage(state.run.main.processId) : undefined;
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
function processUsage(mainId: number): ProcessUsage | undefined {
  let ticks = 0;
  let pages = 0;
  const all = [mainId, ...descendants([mainId])];
  for (const processId of all) {
    const fields = statFields(processId);
    if (!fields && processId === mainId) return undefined;
    // After the name: state is the first; then utime 12th, stime, cutime, cstime, and rss as 22nd.
    for (const at of [11, 12, 13, 14]) ticks += Number(fields?.[at] ?? 0);
    pages += Number(fields?.[21] ?? 0);
  }
  return { cpuNanos: ticks * NANOS_PER_TICK, memoryBytes: pages * PAGE_BYTES };
}

function statFields(processId: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
