// Bulk beside control: how long a ConfigMap takes to a node while 100 MB of logs are read from there, and what exec and
// port-forward bring, on a plain cable and on one with 50 ms round trip and 2 % loss each way. Each on a machine of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { configMaps, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { runOk } from "../e2e/support/run.ts";
import { firstMatch } from "../e2e/support/running-program.ts";
import { SecondMachine } from "../e2e/support/second-machine.ts";
import { type Impairment, LossyCable } from "./support/lossy-cable.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import { type ShippedSkerry, waitUntil } from "./support/shipped-skerry.ts";
import { percentile } from "./support/statistics.ts";

const NETWORKS: Readonly<Record<string, Impairment | undefined>> = {
  "plain cable": undefined,
  "50 ms round trip, 2 % loss": { delayMs: 25, lossShare: 0.02 },
};
const LOG_BYTES = 100e6;
/** A slow network does not carry so much in any useful time. */
const LOG_LIMIT_MS = 3 * 60_000;
const PAUSE_MS = 50;
const FILE_BYTES = 32 * 2 ** 20;
const ROUND_TRIPS = 200;
const LOG_LINES = 300_000;
const CONFIG_MAP = { resource: configMaps, namespace: "default", name: "bench-streams" } as const;

/**
 * Measures and returns a table for each network.
 * @param deliveries of a ConfigMap, without a log and at least so many with one
 */
export async function measureStreams(skerry: ShippedSkerry, deliveries: number): Promise<string> {
  const tables: string[] = [];
  for (const [name, impairment] of Object.entries(NETWORKS))
    tables.push(await measureNetwork(skerry, name, impairment, deliveries, `streams-${tables.length + 1}`));
  return tables.join("\n");
}

async function measureNetwork(
  skerry: ShippedSkerry,
  name: string,
  impairment: Impairment | undefined,
  deliveries: number,
  nodeName: string,
): Promise<string> {
  const figures: Figure[] = [];
  const tell = (what: string, value: string): void => {
    figures.push({ what, value });
    process.stderr.write(`${name}: ${what}: ${value}\n`);
  };
  using api = await skerry.api();
  const machine = await SecondMachine.create({
    hidden: [skerry.home],
    ...(impairment ? { cable: (end: string, processId: number) => lossyCable(end, processId, impairment) } : {}),
  });
  try {
    await joinCloud(skerry, machine, nodeName);
    const file = await startPod(skerry, api, machine, nodeName);

    const quiet = await deliver(api, file, (count) => count < deliveries);
    tell("ConfigMap, quiet: median / 99th percentile", latencies(quiet));
    const log = new LogReader(skerry);
    const beganMs = performance.now();
    const isOn = (count: number): boolean =>
      count < deliveries || (log.readBytes < LOG_BYTES && performance.now() - beganMs < LOG_LIMIT_MS);
    const loaded = await deliver(api, file, isOn);
    const seconds = (performance.now() - beganMs) / 1000;
    await log[Symbol.asyncDispose]();
    tell("ConfigMap while a log is read: median / 99th percentile", latencies(loaded));
    const ratio = percentile(loaded, 0.99) / percentile(quiet, 0.99);
    tell("99th percentile with the log, times the quiet one", ratio.toFixed(2));
    tell("log read meanwhile", `${(log.readBytes / 1e6).toFixed(0)} MB, ${rate(log.readBytes, seconds)}`);
    tell("exec, one line there and back: median / 99th percentile", latencies(await roundTrips(skerry)));
    tell(`port-forward, ${FILE_BYTES / 2 ** 20} MiB`, await forwardedRate(skerry));
    await skerry.kubectl(["delete", "pod", "streams", "--wait=true", "--timeout=120s"]);
  } finally {
    await machine.dispose();
  }
  return table(`Streams, ${name}`, figures);
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
  const joined = await machine.run(join(skerry.folder, "node_modules/.bin/skerry"), "join", file, "--detach");
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
            `mkdir /f; head -c ${FILE_BYTES} /dev/zero > /f/zero; exec busybox httpd -f -p 8081 -h /f`,
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

/** Changes the ConfigMap again and again; the times from the call to the file on the node, in ms. */
async function deliver(api: KubernetesApi, file: string, isOn: (count: number) => boolean): Promise<number[]> {
  const samples: number[] = [];
  while (isOn(samples.length)) {
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

/** Reads the pod's log with kubectl, from the beginning again when it was read to its end. */
class LogReader implements AsyncDisposable {
  readBytes = 0;
  readonly #skerry: ShippedSkerry;
  #isOn = true;
  #child: ChildProcess | undefined;
  readonly #reading: Promise<void>;

  constructor(skerry: ShippedSkerry) {
    this.#skerry = skerry;
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    while (this.#isOn) {
      const child = startKubectl(this.#skerry, "logs", "streams", "-c", "writes");
      this.#child = child;
      child.stdout?.on("data", (chunk: Buffer) => {
        this.readBytes += chunk.length;
      });
      await once(child, "close");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOn = false;
    this.#child?.kill();
    await this.#reading;
  }
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

async function forwardedRate(skerry: ShippedSkerry): Promise<string> {
  const child = startKubectl(skerry, "port-forward", "pod/streams", ":8081");
  try {
    const port = await firstMatch(child, /127\.0\.0\.1:(\d+) ->/);
    const beganMs = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/zero`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
    if (bytes !== FILE_BYTES) throw new Error(`${bytes} of ${FILE_BYTES} bytes came through port-forward`);
    return rate(bytes, (performance.now() - beganMs) / 1000);
  } finally {
    child.kill();
  }
}

function startKubectl(skerry: ShippedSkerry, ...parameters: readonly string[]): ChildProcess {
  const kubeconfig = join(skerry.home, "kubeconfig");
  return spawn("kubectl", ["--kubeconfig", kubeconfig, ...parameters], { stdio: ["pipe", "pipe", "inherit"] });
}

function latencies(samples: readonly number[]): string {
  const [middle, high] = [percentile(samples, 0.5), percentile(samples, 0.99)].map(milliseconds);
  return `${middle} / ${high} (${samples.length} samples)`;
}

function rate(bytes: number, seconds: number): string {
  return `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}
