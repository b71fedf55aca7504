// Memory of each part: idle, with 5 pods, with 20, with 100 devices more, and of an EdgeCore started with all of them.
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { createDevices, createPods, deletePods, podsRunning, publishAll } from "./support/load.ts";
import { memoryText, sampleMemory } from "./support/process-memory.ts";
import { type Figure, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";

/** So long after a change the first sample is taken: idle collections of the heap are through. */
const SETTLE_MS = 30_000;
const FEW_PODS = 5;
const PODS = 20;
const DEVICES = 100;

/** Measures and returns a table. The devices stay; the pods are deleted again. */
export async function measureMemory(skerry: ShippedSkerry): Promise<string> {
  const figures: Figure[] = [{ what: "bare Node.js, for comparison", value: await bareNode() }];
  await delay(SETTLE_MS);
  figures.push(...(await sample(skerry, "idle")));
  for (const pods of [FEW_PODS, PODS]) {
    await createPods(skerry, "memory", pods);
    await podsRunning(skerry, "memory", pods);
    await delay(SETTLE_MS);
    figures.push(...(await sample(skerry, `${pods} pods`)));
  }
  await createDevices(skerry, DEVICES);
  await publishAll(skerry, DEVICES);
  await delay(SETTLE_MS);
  figures.push(...(await sample(skerry, `${PODS} pods, ${DEVICES} devices`)));
  await skerry.restartEdgeCore();
  await delay(SETTLE_MS);
  figures.push(...(await sample(skerry, `${PODS} pods, ${DEVICES} devices, EdgeCore restarted`, /^edgecore /)));
  await deletePods(skerry, "memory");
  return table("Memory: resident / anonymous / highest resident, MiB", figures);
}

async function sample(skerry: ShippedSkerry, load: string, parts = /./): Promise<Figure[]> {
  const processes = new Map([...skerry.processIds()].filter(([name]) => parts.test(name)));
  return [...(await sampleMemory(processes))].map(([name, memory]) => ({
    what: `${name}, ${load}`,
    value: memoryText(memory),
  }));
}

async function bareNode(): Promise<string> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1 << 30)"], { stdio: "ignore", env: {} });
  try {
    await delay(1_000);
    const memory = (await sampleMemory(new Map([["node", child.pid ?? 0]]))).get("node");
    return memory ? memoryText(memory) : "";
  } finally {
    child.kill();
  }
}
