// `node tools/with-node.mjs bench/link-compression.ts`: what compressing the link's messages saves and costs, on the
// messages of the recordings in fixtures/link. Takes a few seconds, needs nothing else.
import { readdirSync, readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { decodeMessage, trafficKind } from "@skerry/link";
import { compressMessage, expandMessage } from "@skerry/link/platform";
import { median } from "./support/statistics.ts";

const ROUNDS = 200;
const folder = new URL("../fixtures/link/", import.meta.url);

interface Sample {
  readonly kind: string;
  readonly text: string;
}

const samples: Sample[] = readdirSync(folder).flatMap((name) =>
  readFileSync(new URL(name, folder), "utf8").split("\n").filter(Boolean).flatMap(sampleOf),
);
const kinds = Map.groupBy(samples, ({ kind }) => kind);
const rows = [...kinds]
  .map(([kind, all]) => ({
    kind,
    count: all.length,
    plain: sum(all, ({ text }) => Buffer.byteLength(text)),
    deflated: sum(all, ({ text }) => deflateRawSync(text).length),
    compressed: sum(all, ({ text }) => compressMessage(text)?.length ?? Buffer.byteLength(text)),
    ...cost(all[0]?.text ?? ""),
  }))
  .sort((left, right) => right.plain - left.plain);

print("| messages | number | bytes each | deflate alone | Skerry's | µs to compress | µs to expand |");
print("|---|---|---|---|---|---|---|");
for (const { kind, count, plain, deflated, compressed, compressUs, expandUs } of rows.slice(0, 12))
  print(
    `| ${kind} | ${count} | ${each(plain, count)} | ${each(deflated, count)} | ${each(compressed, count)} | ${compressUs} | ${expandUs} |`,
  );
const total = (pick: (row: (typeof rows)[number]) => number): number => rows.map(pick).reduce((a, b) => a + b, 0);
print(
  `| all | ${samples.length} | ${percent(1)} | ${percent(total((row) => row.deflated))} | ${percent(total((row) => row.compressed))} | | |`,
);

function sampleOf(line: string): Sample[] {
  const { dir, msg } = JSON.parse(line);
  if (msg === undefined) return [];
  const text = JSON.stringify(msg);
  const direction = dir === "edge->cloud" ? "up" : "down";
  return [{ kind: `${direction} ${trafficKind(direction, decodeMessage(text))}`, text }];
}

/** The median of several rounds, in microseconds. */
function cost(text: string): { readonly compressUs: string; readonly expandUs: string } {
  const compressed = compressMessage(text);
  if (!compressed) return { compressUs: "–", expandUs: "–" };
  return {
    compressUs: time(() => compressMessage(text)),
    expandUs: time(() => expandMessage(compressed, 1e9)),
  };
}

function time(work: () => unknown): string {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    work();
    return (performance.now() - startedMs) * 1000;
  });
  return median(times).toFixed(0);
}

function sum(all: readonly Sample[], size: (sample: Sample) => number): number {
  return all.reduce((bytes, sample) => bytes + size(sample), 0);
}

function each(bytes: number, count: number): number {
  return Math.round(bytes / count);
}

function percent(bytes: number): string {
  return bytes === 1 ? "100 %" : `${Math.round((100 * bytes) / total((row) => row.plain))} %`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
