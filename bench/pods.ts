// From `kubectl apply` to the container's process and to Running in the API.
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type KubernetesObject, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { deletePods, NODE, podManifest } from "./support/load.ts";
import { containerProcesses, processStartMs } from "./support/process-start.ts";
import { milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median } from "./support/statistics.ts";

const ROUNDS = 10;

interface Pod extends KubernetesObject {
  status?: { phase?: string; containerStatuses?: { containerID?: string }[] };
}

/** Measures and returns a table. */
export async function measurePods(skerry: ShippedSkerry): Promise<string> {
  using api = await skerry.api();
  const processMs: number[] = [];
  const runningMs: number[] = [];
  const kubectlMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = `latency-${round}`;
    const running = watchForRunning(api, name, (await api.list({ resource: pods })).metadata.resourceVersion ?? "");
    const beganMs = Date.now();
    await skerry.kubectl(["apply", "-f", "-"], podManifest(name, { bench: "latency" }));
    kubectlMs.push(Date.now() - beganMs);
    const { containerId, seenMs } = await running;
    processMs.push(Math.min(...containerProcesses(containerId).map(processStartMs)) - beganMs);
    runningMs.push(seenMs - beganMs);
  }
  await deletePods(skerry, "latency");
  const ctrMs = Array.from({ length: 5 }, (_, round) => ctrRunMs(skerry, `bench-${round}`));
  const of = (samples: readonly number[]): string => `${milliseconds(median(samples))} (${samples.length} samples)`;
  return table("A pod, medians", [
    { what: "`kubectl apply` itself, in the figures below", value: of(kubectlMs) },
    { what: "`kubectl apply` → the container's process", value: of(processMs) },
    { what: "`kubectl apply` → Running in a watch", value: of(runningMs) },
    { what: "`ctr run` of the same image until its process, for comparison: no sandbox, no network", value: of(ctrMs) },
  ]);
}

/** Resolves with when, by this machine's clock, a watch told that the pod is Running. */
async function watchForRunning(
  api: KubernetesApi,
  name: string,
  resourceVersion: string,
): Promise<{ readonly containerId: string; readonly seenMs: number }> {
  const options = { resourceVersion, fieldSelector: `metadata.name=${name}` };
  for await (const event of api.watch<Pod>({ resource: pods, namespace: "default" }, options)) {
    if (event.type === "BOOKMARK" || event.object.status?.phase !== "Running") continue;
    const containerId = event.object.status.containerStatuses?.[0]?.containerID?.replace(/^.*:\/\//, "");
    if (containerId) return { containerId, seenMs: Date.now() };
  }
  throw new Error(`the watch ended before ${name} was Running`);
}

/** How long `ctr run` takes from its call to the start of the container's process. */
function ctrRunMs(skerry: ShippedSkerry, id: string): number {
  const containerd = join(skerry.home, NODE, "containerd");
  const folders = globSync("parts/**/usr/bin/ctr", { cwd: skerry.home }).map((path) => join(skerry.home, path));
  const programs = [...folders, "/usr/bin/ctr", "/usr/local/bin/ctr"].map((path) => join(path, ".."));
  const snapshotter = /^snapshotter = "(\w+)"$/m.exec(readFileSync(join(containerd, "config.toml"), "utf8"))?.[1];
  const environment = { ...process.env, PATH: [...programs, process.env["PATH"]].join(":") };
  const ctr = (...parameters: string[]): string =>
    execFileSync("ctr", ["--address", join(containerd, "containerd.sock"), "-n", "k8s.io", ...parameters], {
      encoding: "utf8",
      env: environment,
      stdio: ["ignore", "pipe", "ignore"], // It warns that a killed process was killed.
    });
  const beganMs = Date.now();
  ctr("run", "--detach", "--snapshotter", snapshotter ?? "overlayfs", "docker.io/library/edge-app:latest", id);
  const processId = Number(new RegExp(`^${id}\\s+(\\d+)`, "m").exec(ctr("tasks", "list"))?.[1]);
  const startedMs = processStartMs(processId);
  ctr("tasks", "kill", "--signal", "SIGKILL", id);
  ctr("tasks", "delete", "--force", id);
  ctr("containers", "delete", id);
  return startedMs - beganMs;
}
