// `node tools/with-node.mjs bench/open-watches.ts KUBECONFIG PROCESS_ID [WATCHES]`: what so many open watches (10,000) of an
// API server cost: its memory before them and with them, and how long a write takes to reach all of them. Each watch has a
// connection of its own over TLS, all from this process, so the limit of open files must be above their number at both ends.
import { setTimeout as delay } from "node:timers/promises";
import { configMaps, type KubernetesObject } from "@skerry/api";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { closedLoop } from "./support/closed-loop.ts";
import { memoryText, sampleMemory } from "./support/process-memory.ts";
import { median } from "./support/statistics.ts";

const CLIENTS = 16;
const SETTLE_MS = 30_000;
const WRITES = 5;

const [kubeconfig, processId, watchCount = "10000"] = process.argv.slice(2);
if (kubeconfig === undefined || processId === undefined) {
  process.stderr.write("Give a kubeconfig and the process of its API server: KUBECONFIG PROCESS_ID [WATCHES]\n");
  process.exit(2);
}
const count = Number(watchCount);
using api = new HttpsKubernetesApi(await loadKubeconfig(kubeconfig));
const target = { resource: configMaps, namespace: "default" };
const at = { ...target, name: "bench-open-watches" };
await api.create(target, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: at.name } });
await showMemory("before");

const stops: AbortController[] = [];
let seen = 0;
let allSeen: () => void = () => {};
const watching: Promise<void>[] = [];
const beganMs = performance.now();
await closedLoop(count, CLIENTS, () => new Promise((opened) => watching.push(watch(() => opened(undefined)))));
process.stdout.write(`${count} watches opened in ${((performance.now() - beganMs) / 1000).toFixed(0)} s\n`);
await delay(SETTLE_MS);
await showMemory(`with ${count} watches`);

const writesMs: number[] = [];
for (let write = 0; write < WRITES; write++) {
  seen = 0;
  const done = new Promise<void>((resolve) => {
    allSeen = resolve;
  });
  const startMs = performance.now();
  await api.patch(at, { type: "merge", body: { data: { write: String(write) } } });
  await done;
  writesMs.push(performance.now() - startMs);
}
process.stdout.write(`a write reaches all of them in ${median(writesMs).toFixed(0)} ms\n`);
await delay(SETTLE_MS);
await showMemory(`after ${WRITES} writes`);
for (const stop of stops) stop.abort();
await Promise.allSettled(watching);
await api.delete(at);
await delay(SETTLE_MS);
await showMemory("after they have ended");

async function watch(opened: () => void): Promise<void> {
  const stop = new AbortController();
  stops.push(stop);
  let isOpen = false;
  const options = { resourceVersion: "0", fieldSelector: `metadata.name=${at.name}`, signal: stop.signal };
  for await (const event of api.watch<KubernetesObject>(target, options)) {
    if (event.type === "BOOKMARK") continue;
    if (!isOpen) opened();
    else if (++seen === count) allSeen();
    isOpen = true;
  }
}

async function showMemory(when: string): Promise<void> {
  for (const memory of (await sampleMemory(new Map([["server", Number(processId)]]))).values())
    process.stdout.write(`resident / anonymous / highest, ${when}: ${memoryText(memory)} MiB\n`);
}
