// Without the cloud: five pods after the equivalent of a reboot, and how soon the session is back after the cut.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { descendants, killTrees, processes } from "@skerry/base/platform";
import { nodeContainersPaths } from "../packages/skerry/src/nodecontainers/node-containers.ts";
import { shimsOf } from "../packages/skerry/src/nodecontainers/remove-containers.ts";
import { createPods, deletePods, NODE, podsRunning } from "./support/load.ts";
import { processStartMs } from "./support/process-start.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import { type ShippedSkerry, waitUntil } from "./support/shipped-skerry.ts";
import { median } from "./support/statistics.ts";

const PODS = 5;
/** The example app is one of them. */
const MORE_PODS = PODS - 1;
const ROUNDS = 3;
/** Longer than both sides need to find the link dead. */
const CUT_MS = 30_000;

/** Measures and returns a table. */
export async function measureOffline(skerry: ShippedSkerry): Promise<string> {
  await createPods(skerry, "offline", MORE_PODS);
  await podsRunning(skerry, "offline", MORE_PODS);
  const coldMs: number[] = [];
  const sessionMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    skerry.run("link", "cut", NODE);
    coldMs.push(await coldStart(skerry));
    await delay(CUT_MS);
    sessionMs.push(await sessionBack(skerry));
    await podsRunning(skerry, "offline", MORE_PODS);
  }
  await deletePods(skerry, "offline");
  const of = (samples: readonly number[]): string =>
    `${milliseconds(median(samples))} (${samples.map(milliseconds).join(", ")})`;
  const figures: Figure[] = [
    { what: `offline, all killed: EdgeCore's start → the process of the last of ${PODS} pods`, value: of(coldMs) },
    { what: "link usable → session back (EdgeCore connected)", value: of(sessionMs) },
  ];
  return table(`Without the cloud, medians of ${ROUNDS}`, figures);
}

/** Kills all containers and EdgeCore; from the start of the next EdgeCore to the last app process. */
async function coldStart(skerry: ShippedSkerry): Promise<number> {
  const { socketPath } = nodeContainersPaths(join(skerry.home, NODE));
  killTrees(shimsOf(socketPath));
  const edgeCore = await skerry.restartEdgeCore();
  const edgeCoreStartMs = processStartMs(edgeCore);
  const startsMs = await waitUntil(
    "the pods run again",
    () => {
      const apps = appProcesses(shimsOf(socketPath));
      try {
        return apps.length >= PODS ? apps.map(processStartMs) : undefined;
      } catch {
        return undefined; // One has ended meanwhile.
      }
    },
    100,
  );
  return Math.max(...startsMs) - edgeCoreStartMs;
}

/** The web servers of the example app below these shims. */
function appProcesses(shims: readonly number[]): number[] {
  const inContainers = new Set(descendants(shims));
  return processes()
    .filter(({ processId, command }) => inContainers.has(processId) && command.some((word) => word.includes("httpd")))
    .map(({ processId }) => processId);
}

/** Plugs the cable in and takes both times from the logs. */
async function sessionBack(skerry: ShippedSkerry): Promise<number> {
  const log = `edgecore-${NODE}.log`;
  const before = skerry.logLines(log, "Connected to the cloud").length;
  const restoredMs = Date.now();
  skerry.run("link", "restore", NODE);
  const lines = await waitUntil("the session is back", () => {
    const now = skerry.logLines(log, "Connected to the cloud");
    return now.length > before ? now : undefined;
  });
  const { time } = JSON.parse(lines.at(-1) ?? "{}") as { time: string };
  return Date.parse(time) - restoredMs;
}
