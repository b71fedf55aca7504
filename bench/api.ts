// An API server by itself: time to ready, memory, single objects, lists, watches, 1,000 nodes with 10,000 pods. Ours as it is
// shipped, or, for comparison, whichever a kubeconfig leads to.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { endProgram, firstMatch } from "../e2e/support/running-program.ts";
import {
  closeBench,
  measureCalls,
  measureLargeLists,
  measureWatches,
  openBench,
  populate,
} from "./support/api-load.ts";
import { shownLoop } from "./support/closed-loop.ts";
import { sampleMemory } from "./support/process-memory.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median } from "./support/statistics.ts";

const NODES = 1_000;
const PODS = 10_000;
const STARTS = 4;
/** So long after a change memory is taken. */
const SETTLE_MS = 30_000;
const TITLE = "API server: calls per second · median / 99th percentile";

/** Measures `skerry controlplane` as it is shipped, and returns a table. */
export async function measureApi(skerry: ShippedSkerry): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "skerry-bench-api-"));
  const kubeconfig = join(folder, "kubeconfig");
  const start = async (): Promise<{ child: ReturnType<ShippedSkerry["start"]>; readyMs: number }> => {
    const beganMs = performance.now();
    const child = skerry.start(
      "controlplane",
      "--kubeconfig",
      kubeconfig,
      "--data",
      join(folder, "data"),
      "--port",
      "0",
    );
    await firstMatch(child, /^Ready at /m);
    return { child, readyMs: performance.now() - beganMs };
  };
  let { child, readyMs } = await start();
  const figures: Figure[] = [{ what: "ready, first start", value: milliseconds(readyMs) }];
  try {
    const laterMs: number[] = [];
    while (laterMs.length < STARTS - 1) {
      await endProgram(child);
      ({ child, readyMs } = await start());
      laterMs.push(readyMs);
    }
    figures.push({ what: `ready, median of ${laterMs.length} more`, value: milliseconds(median(laterMs)) });
    using api = new HttpsKubernetesApi(await loadKubeconfig(kubeconfig));
    await openBench(api);
    figures.push(...(await measureLoad(api, [child.pid ?? 0])));
  } finally {
    await endProgram(child);
    rmSync(folder, { recursive: true, force: true });
  }
  return table(TITLE, figures);
}

/** Measures the API server of a kubeconfig; `processIds` are those whose memory counts, on this machine. */
export async function measureForeignApi(kubeconfig: string, processIds: readonly number[]): Promise<string> {
  using api = new HttpsKubernetesApi(await loadKubeconfig(kubeconfig));
  await openBench(api);
  try {
    return table(TITLE, await measureLoad(api, processIds));
  } finally {
    await closeBench(api);
  }
}

async function measureLoad(api: KubernetesApi, processIds: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  const memory = async (when: string): Promise<void> => {
    if (processIds.length === 0) return;
    await delay(SETTLE_MS);
    figures.push({ what: `resident / anonymous / highest, MiB, ${when}`, value: await memoryOf(processIds) });
  };
  await memory("idle");
  const series = [...(await measureCalls(api)), await measureWatches(api), ...(await populate(api, NODES, PODS))];
  series.push(...(await measureLargeLists(api, PODS)));
  figures.push(...series.map(({ what, result }) => ({ what, value: shownLoop(result) })));
  await memory(`${NODES} nodes, ${PODS} pods`);
  return figures;
}

/** Of all processes together. */
async function memoryOf(processIds: readonly number[]): Promise<string> {
  const samples = [...(await sampleMemory(new Map(processIds.map((id) => [String(id), id])))).values()];
  const sum = (part: (sample: (typeof samples)[number]) => number): string =>
    samples.reduce((total, sample) => total + part(sample), 0).toFixed(0);
  return [sum((s) => s.residentMib), sum((s) => s.anonymousMib), sum((s) => s.peakMib)].join(" / ");
}
