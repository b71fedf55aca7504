// Bulk beside control: how long a ConfigMap takes to a node while 100 MB of logs are read from there, what a megabyte of log
// costs each process, and what exec and port-forward bring, on a plain cable and on one with 50 ms round trip and 2 % loss
// each way. Each on a machine of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { configMaps, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { runOk } from "../e2e/support/run.ts";
import { firstMatch } from "../e2e/support/running-program.ts";
import { SecondMachine } from "../e2e/support/second-machine.ts";
import { besideLog } from "./support/beside-log.ts";
import { LogReader } from "./support/log-reader.ts";
import { type Impairment, LossyCable } from "./support/lossy-cable.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import { type ShippedSkerry, waitUntil } from "./support/shipped-skerry.ts";
import { percentile } from "./support/statistics.ts";

/** The networks that are measured on. */
export const STREAM_NETWORKS = ["plain", "lossy"] as const;
export type StreamNetwork = (typeof STREAM_NETWORKS)[number];

interface NetworkPlan {
  readonly title: string;
  readonly impairment?: Impairment;
  /** What is fetched through port-forward. */
  readonly fileMib: number;
}

const PLANS: Readonly<Record<StreamNetwork, NetworkPlan>> = {
  plain: { title: "plain cable", fileMib: 32 },
  lossy: { title: "50 ms round trip, 2 % loss", impairment: { delayMs: 25, lossShare: 0.02 }, fileMib: 4 },
};
const PAUSE_MS = 50;
/** Deliveries with the log and without it take turns, so that both see the same machine. */
const ROUND_DELIVERIES = 25;
const ROUND_TRIPS = 200;
const LOG_LINES = 300_000;
const CONFIG_MAP = { resource: configMaps, namespace: "default", name: "bench-streams" } as const;

/**
 * Measures and returns a table for each network.
 * @param deliveries of a ConfigMap, without a log and at least so many with one
 */
export async function measureStreams(
  skerry: ShippedSkerry,
  deliveries: number,
  networks: readonly StreamNetwork[],
): Promise<string> {
  const tables: string[] = [];
  for (const network of networks)
    tables.push(await measureNetwork(skerry, PLANS[network], deliveries, `streams-${network}`));
  return tables.join("\n");
}

async function measureNetwork(
  skerry: ShippedSkerry,
  { title, impairment, fileMib }: NetworkPlan,
  deliveries: number,
  nodeName: string,
): Promise<string> {
  const figures: Figure[] = [];
  const tell = (what: string, value: string): void => {
    figures.push({ what, value });
    process.stderr.write(`${title}: ${what}: ${value}\n`);
  };
  using api = await skerry.api();
  const machine = await SecondMachine.create({
    hidden: [skerry.home],
    ...(impairment ? { cable: (end: string, processId: number) => lossyCable(end, processId, impairment) } : {}),
  });
  try {
    await joinCloud(skerry, machine, nodeName);
    const file = await startPod(skerry, api, machine, nodeName, fileMib);
    const { quiet, loaded, readBytes, readMs, costsMs } = await besideLog({
      work: () => deliver(api, file),
      startLog: () => new LogReader(kubectlCommand(skerry, "logs", "streams", "-c", "writes")),
      processIds: await measuredProcesses(skerry, machine),
      samples: deliveries,
    });
    tell("ConfigMap, quiet: median / 99th percentile", latencies(quiet));
    tell("ConfigMap while a log is read: median / 99th percentile", latencies(loaded));
    const ratio = percentile(loaded, 0.99) / percentile(quiet, 0.99);
    tell("99th percentile with the log, times the quiet one", ratio.toFixed(2));
    tell("log read meanwhile", `${(readBytes / 1e6).toFixed(0)} MB, ${rate(readBytes, readMs / 1000)}`);
    const costs = [...costsMs].map(([name, costMs]) => `${name} ${costMs.toFixed(1)}`);
    tell("processor's time for 1 MB of log, in ms", costs.join(", "));
    tell("exec, one line there and back: median / 99th percentile", latencies(await roundTrips(skerry)));
    tell(`port-forward, ${fileMib} MiB`, await forwardedRate(skerry, fileMib * 2 ** 20));
    await skerry.kubectl(["delete", "pod", "streams", "--wait=true", "--timeout=120s"]);
  } finally {
    await machine.dispose();
  }
  return table(`Streams, ${title}`, figures);
}

/** What a log passes on its way. */
async function measuredProcesses(skerry: ShippedSkerry, machine: SecondMachine): Promise<ReadonlyMap<string, number>> {
  const status = await machine.run(skerryProgram(skerry), "status", "-o", "json");
  const { parts } = JSON.parse(status.stdout) as {
    readonly parts: readonly { readonly name: string; readonly processId?: number }[];
  };
  const cloud = skerry.processIds();
  const found: readonly (readonly [string, number | undefined])[] = [
    ["EdgeCore", parts.find(({ name }) => name.startsWith("edgecore "))?.processId],
    ["CloudCore", cloud.get("cloudcore")],
    ["control plane", cloud.get("control plane")],
  ];
  return new Map(
    found.map(([name, processId]) => {
      if (processId === undefined) throw new Error(`${name} does not run: ${status.stdout}`);
      return [name, processId] as const;
    }),
  );
}

function skerryProgram(skerry: ShippedSkerry): string {
  return join(skerry.folder, "node_modules/.bin/skerry");
}

async function lossyCable(end: string, processId: number, impairment: Impairment): Promise<Disposable> {
  const far = `${end}m`;
  const cable = await LossyCable.create([end, far], impairment);
  await runOk("ip", "link", "set", far, "netns", String(processId), "name", "eth0");
  return cable;
}

async function joinCloud(skerry: ShippedSkerry, machine: SecondMachine, nodeName: string): Promise<void> {
  const { websocket } = JSON.parse(skerry.run("token", "-o", "json")) as { readonly websocket: string };
  await machine.routeTo(websocket.split(":")[0] ?? "");
  const file = join(skerry.folder, `${nodeName}.yaml`);
  writeFileSync(file, skerry.run("token", "--node", nodeName), { mode: 0o600 });
  const joined = await machine.run(skerryProgram(skerry), "join", file, "--detach");
  if (joined.status !== 0) throw new Error(`skerry join: ${joined.stdout}${joined.stderr}`);
  await waitUntil(
    "the node is registered",
    async () =>
      (await skerry.kubectl(["get", "node", nodeName, "--ignore-not-found", "-o", "name"])) !== "" || undefined,
    500,
  );
  await skerry.kubectl(["wait", "--for=condition=Ready", `node/${nodeName}`, "--timeout=120s"]);
}

/** Starts the pod that is measured; returns the file on the node in which the ConfigMap's value appears. */
async function startPod(
  skerry: ShippedSkerry,
  api: KubernetesApi,
  machine: SecondMachine,
  nodeName: string,
  fileMib: number,
): Promise<string> {
  const image = { image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
  const line = "0123456789".repeat(10);
  const volumeMounts = [{ name: "values", mountPath: "/values" }];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "streams" },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "writes",
          ...image,
          command: ["sh", "-c", `yes ${line} | head -n ${LOG_LINES}; exec sleep 1000000`],
          volumeMounts,
        },
        {
          name: "serves",
          ...image,
          command: [
            "sh",
            "-c",
            `mkdir /f; head -c ${fileMib * 2 ** 20} /dev/zero > /f/zero; exec busybox httpd -f -p 8081 -h /f`,
          ],
        },
      ],
      volumes: [{ name: "values", configMap: { name: CONFIG_MAP.name } }],
    },
  };
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: CONFIG_MAP.name }, data: { value: "" } };
  await skerry.kubectl(
    ["apply", "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [configMap, pod] }),
  );
  await skerry.kubectl(["wait", "--for=condition=Ready", "pod/streams", "--timeout=120s"]);
  await waitUntil(
    "the log is written",
    async () =>
      (await skerry.kubectl(["exec", "streams", "-c", "writes", "--", "cat", "/proc/1/comm"])) === "sleep\n" ||
      undefined,
    1_000,
  );
  const uid = (await api.get({ resource: pods, namespace: "default", name: "streams" })).metadata.uid ?? "";
  const pattern = `**/pods/${uid}/volumes/kubernetes.io~configmap/values`;
  const [folder] = globSync(pattern, { cwd: machine.home });
  if (folder === undefined) throw new Error(`no ${pattern} in ${machine.home}`);
  return join(machine.home, folder, "value");
}

/** Changes the ConfigMap a round of times; the times from the call to the file on the node, in ms. */
async function deliver(api: KubernetesApi, file: string): Promise<number[]> {
  const samples: number[] = [];
  while (samples.length < ROUND_DELIVERIES) {
    const value = `${Date.now()}-${samples.length}`;
    const beganMs = performance.now();
    const written = api.patch(CONFIG_MAP, { type: "merge", body: { data: { value } } });
    await waitUntil("the ConfigMap is on the node", () => readFileSync(file, "utf8") === value || undefined, 1);
    samples.push(performance.now() - beganMs);
    await written;
    await delay(PAUSE_MS);
  }
  return samples;
}

/** Lines through `cat` in the container, each sent when the one before has come back; in ms. */
async function roundTrips(skerry: ShippedSkerry): Promise<number[]> {
  const child = startKubectl(skerry, "exec", "-i", "streams", "-c", "writes", "--", "cat");
  const samples: number[] = [];
  try {
    // The first one has kubectl's start in it.
    for (let round = 0; round <= ROUND_TRIPS; round++) {
      const beganMs = performance.now();
      const answered = firstMatch(child, /\n/);
      child.stdin?.write(`${round}\n`);
      await answered;
      if (round > 0) samples.push(performance.now() - beganMs);
      child.stdout?.removeAllListeners("data");
      child.removeAllListeners("close");
    }
  } finally {
    child.kill();
  }
  return samples;
}

async function forwardedRate(skerry: ShippedSkerry, expectedBytes: number): Promise<string> {
  const child = startKubectl(skerry, "port-forward", "pod/streams", ":8081");
  try {
    const port = await firstMatch(child, /127\.0\.0\.1:(\d+) ->/);
    const beganMs = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/zero`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
    if (bytes !== expectedBytes) throw new Error(`${bytes} of ${expectedBytes} bytes came through port-forward`);
    return rate(bytes, (performance.now() - beganMs) / 1000);
  } finally {
    child.kill();
  }
}

function startKubectl(skerry: ShippedSkerry, ...parameters: readonly string[]): ChildProcess {
  const [program = "", ...rest] = kubectlCommand(skerry, ...parameters);
  return spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
}

function kubectlCommand(skerry: ShippedSkerry, ...parameters: readonly string[]): readonly string[] {
  return ["kubectl", "--kubeconfig", join(skerry.home, "kubeconfig"), ...parameters];
}

function latencies(samples: readonly number[]): string {
  const [middle, high] = [percentile(samples, 0.5), percentile(samples, 0.99)].map(milliseconds);
  return `${middle} / ${high} (${samples.length} samples)`;
}

function rate(bytes: number, seconds: number): string {
  return `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}
