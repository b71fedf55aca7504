// A node with all the pods that it can have: started at once, left alone, deleted at once.
import { setTimeout as delay } from "node:timers/promises";
import { pods } from "@skerry/api";
import { createPods, podsRunning } from "./support/load.ts";
import { memoryText, type ProcessMemory, sampleMemory } from "./support/process-memory.ts";
import { processorMs } from "./support/process-time.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";

const GROUP = "full";
/** Idle collections of the heap are through. */
const SETTLE_MS = 30_000;
const STEADY_MS = 60_000;
/** Sandboxes with networks are made one after the other on a small machine. */
const LIMIT_MS = 15 * 60_000;

/** Measures a node with so many pods, those included that it has already, and returns a table. */
export async function measureFullNode(skerry: ShippedSkerry, podCount: number): Promise<string> {
  using api = await skerry.api();
  const there = (await api.list({ resource: pods })).items.length;
  const count = Math.max(1, podCount - there);
  const figures: Figure[] = [{ what: "EdgeCore before", value: memoryText(await edgeCoreMemory(skerry)) }];
  const measured = async (what: string, work: () => Promise<void>): Promise<void> => {
    const edgeCore = edgeCoreOf(skerry);
    const [beganMs, usedMs] = [performance.now(), processorMs(edgeCore)];
    await work();
    const tookMs = performance.now() - beganMs;
    const processor = `${milliseconds(processorMs(edgeCore) - usedMs)} of a processor in EdgeCore`;
    figures.push({ what, value: `${milliseconds(tookMs)}, ${processor}` });
  };
  await measured(`\`kubectl apply\` of ${count} pods → all Ready`, async () => {
    await createPods(skerry, GROUP, count);
    await podsRunning(skerry, GROUP, count, LIMIT_MS);
  });
  await delay(SETTLE_MS);
  figures.push({ what: `EdgeCore with ${count + there} pods`, value: memoryText(await edgeCoreMemory(skerry)) });
  await measured("left alone", () => delay(STEADY_MS));
  await measured(`\`kubectl delete\` of all → all gone`, async () => {
    await skerry.kubectl(["delete", "pods", "-l", `bench=${GROUP}`, "--wait=true", `--timeout=${LIMIT_MS}ms`]);
  });
  await delay(SETTLE_MS);
  figures.push({ what: "EdgeCore afterwards", value: memoryText(await edgeCoreMemory(skerry)) });
  return table(`A node with ${count + there} pods; memory: resident / anonymous / highest resident, MiB`, figures);
}

function edgeCoreOf(skerry: ShippedSkerry): number {
  const processId = skerry.edgeCoreProcess();
  if (processId === undefined) throw new Error("EdgeCore does not run");
  return processId;
}

async function edgeCoreMemory(skerry: ShippedSkerry): Promise<ProcessMemory> {
  const memory = (await sampleMemory(new Map([["edgecore", edgeCoreOf(skerry)]]))).get("edgecore");
  if (!memory) throw new Error("EdgeCore's memory could not be read");
  return memory;
}
