// `node tools/with-node.mjs bench/telemetry.ts [--rate 3500] [--seconds 60] [--devices 1000] [--slow-sync 20]`: twin updates
// over MQTT at a fixed rate, until every one that was accepted is in PostgreSQL. Method and figures: README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { deviceModels, deviceStatuses, devices, type KubernetesObject } from "@skerry/api";
import type { MqttMessage, MqttSession } from "@skerry/edgecore";
import { MqttJsConnector } from "@skerry/edgecore/platform";
import type { KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import mqtt, { type MqttClient } from "mqtt";
import pg from "pg";
import { parse, stringify } from "yaml";
import { Installation, root, sharedParts } from "../e2e/support/installation.ts";
import { PostgresServer } from "../e2e/support/postgres-server.ts";
import { processorMs, processorMsOfFamily } from "./support/process-time.ts";
import { percentile } from "./support/statistics.ts";

const NODE = "edge-node-1";
/** Of one tick of the sender. */
const TICK_MS = 10;
/** Devices that report one value each, when it is quiet and under the load. */
const PROBES = 100;
const PROBE_PAUSE_MS = 50;
const PROBE_LIMIT_MS = 60_000;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "3500" },
    seconds: { type: "string", default: "60" },
    devices: { type: "string", default: "1000" },
    "slow-sync": { type: "string", default: "0" },
    /** Seconds, as in the short form of edgecore.yaml. */
    "update-interval": { type: "string", default: "60" },
  },
});
const [rate, seconds, deviceCount] = [Number(values.rate), Number(values.seconds), Number(values.devices)];
if (values["slow-sync"] !== "0") {
  process.env["SLOW_SYNC_MS"] = values["slow-sync"];
  process.env["NODE_OPTIONS"] = `--import ${join(root, "bench/support/slow-sync.mjs")}`;
}

/** Changes a part's configuration and lets the supervisor start it anew with it. */
// biome-ignore lint/suspicious/noExplicitAny: a configuration file as it is.
async function reconfigure(part: string, path: string, change: (config: any) => void): Promise<void> {
  const config = parse(readFileSync(path, "utf8"));
  change(config);
  writeFileSync(path, stringify(config));
  const before = await processOf(part);
  process.kill(before, "SIGKILL");
  while (!(await isBack(part, before))) await delay(200);
}

async function isBack(part: string, before: number): Promise<boolean> {
  const status = await statusOf();
  const found = status.parts.find(({ name }) => name === part);
  return found?.state.kind === "running" && found.processId !== before;
}

async function processOf(part: string): Promise<number> {
  for (;;) {
    const processId = (await statusOf()).parts.find(({ name }) => name === part)?.processId;
    if (processId !== undefined) return processId;
    await delay(200);
  }
}

async function statusOf(): Promise<{ parts: { name: string; processId?: number; state: { kind: string } }[] }> {
  const { stdout } = await installation.skerry("status", "-o", "json");
  return stdout === "" ? { parts: [] } : JSON.parse(stdout); // A busy supervisor may not answer in time.
}

/** The processor's time of each part so far, in milliseconds. */
async function processorTimes(): Promise<ReadonlyMap<string, number>> {
  const { parts } = await statusOf();
  const times = new Map<string, number>();
  for (const { name, processId } of parts)
    if (processId !== undefined && !name.startsWith("containerd")) times.set(name, processorMs(processId));
  times.set("PostgreSQL", processorMsOfFamily(postgres.processId));
  times.set("this sender", processorMs(process.pid));
  return times;
}

async function createDevices(api: KubernetesApi, count: number): Promise<void> {
  const namespace = "default";
  const apiVersion = "devices.kubeedge.io/v1beta1";
  const properties = [{ name: "count", type: "INT", accessMode: "ReadOnly" }];
  await api.create({ resource: deviceModels, namespace }, {
    apiVersion,
    kind: "DeviceModel",
    metadata: { name: "gate", namespace },
    spec: { properties },
  } as KubernetesObject);
  const names = [
    ...Array.from({ length: count }, (_, index) => `gate-${index}`),
    ...["quiet", "load"].flatMap((kind) => Array.from({ length: PROBES }, (_, index) => `probe-${kind}-${index}`)),
  ];
  for (let from = 0; from < names.length; from += 20)
    await Promise.all(
      names.slice(from, from + 20).map((name) => {
        const spec = { deviceModelRef: { name: "gate" }, nodeName: NODE, properties: [{ name: "count" }] };
        const object = { apiVersion, kind: "Device", metadata: { name, namespace }, spec } as KubernetesObject;
        return api.create({ resource: devices, namespace }, object);
      }),
    );
}

/** Waits until the node has them all: it answers for its membership. */
async function devicesKnown(client: MqttClient, count: number): Promise<void> {
  let known = 0;
  client.on("message", (topic, payload) => {
    if (topic.endsWith("/membership/get/result"))
      known = (JSON.parse(payload.toString()) as { devices?: unknown[] }).devices?.length ?? 0;
  });
  await client.subscribeAsync(`$hw/events/node/${NODE}/membership/get/result`);
  while (known < count + 2 * PROBES) {
    await client.publishAsync(`$hw/events/node/${NODE}/membership/get`, "{}");
    await delay(1_000);
  }
}

async function measure(api: KubernetesApi, client: MqttClient): Promise<void> {
  const watch = new StatusWatch(api);
  await watch.start();
  const quiet = await probe(client, watch, "quiet");
  await using load = await Load.start();
  const edge = await processOf(`edgecore ${NODE}`);
  const timesBefore = await processorTimes();
  const [beganMs, bytesBefore, writesBefore] = [performance.now(), writtenBytes(edge), watch.eventCount];
  const elapsedMs = (): number => performance.now() - beganMs;
  const course = async (): Promise<Record<"sentMs" | "acceptedMs" | "stored" | "storedMs", number>> => {
    await load.send();
    const sentMs = elapsedMs();
    await load.allAnswered();
    const acceptedMs = elapsedMs();
    const stored = await storedInOrder(load);
    return { sentMs, acceptedMs, stored, storedMs: elapsedMs() };
  };
  const probing = async (): Promise<{ readonly latenciesMs: number[]; readonly writesPerSecond: number }> => {
    const latenciesMs = await probe(client, watch, "load");
    return { latenciesMs, writesPerSecond: ((watch.eventCount - writesBefore) / elapsedMs()) * 1000 };
  };
  // The probes may take longer than the load, or less.
  const [{ sentMs, acceptedMs, stored, storedMs }, busy] = await Promise.all([course(), probing()]);
  const writtenPerSample = (writtenBytes(edge) - bytesBefore) / load.sentCount;
  const timesAfter = await processorTimes();
  watch.stop();
  const microsecondsOf = (part: string): string => {
    const ms = (timesAfter.get(part) ?? 0) - (timesBefore.get(part) ?? 0);
    return `${part} ${((ms * 1000) / load.sentCount).toFixed(0)}`;
  };
  const perSecond = (ms: number): string => `${Math.round((load.sentCount / ms) * 1000)}/s`;
  const lines: [string, string][] = [
    ["updates sent", `${load.sentCount} in ${(sentMs / 1000).toFixed(1)} s, ${perSecond(sentMs)}`],
    ["accepted (update/result)", `${load.acceptedCount}, ${perSecond(acceptedMs)}; refused ${load.refusedCount}`],
    ["in PostgreSQL, once each and in order", `${stored}, ${perSecond(storedMs)}`],
    ["publish → accepted, median / 99th percentile", both(load.latenciesMs)],
    ["publish → DeviceStatus when quiet", both(quiet)],
    ["publish → DeviceStatus of a quiet device under the load", both(busy.latenciesMs)],
    ["writes of DeviceStatus during the load", `${busy.writesPerSecond.toFixed(0)}/s`],
    ["bytes written by EdgeCore per update", writtenPerSample.toFixed(0)],
    ["processor's time per update, µs", [...timesAfter.keys()].map(microsecondsOf).join(", ")],
    ["load average of the last minute", (loadavg()[0] ?? 0).toFixed(1)],
  ];
  for (const [what, value] of lines) process.stdout.write(`| ${what} | ${value} |\n`);
  if (stored !== load.acceptedCount) throw new Error(`${load.acceptedCount} were accepted, ${stored} are stored`);
}

function both(samples: readonly number[]): string {
  return `${percentile(samples, 0.5).toFixed(0)} / ${percentile(samples, 0.99).toFixed(0)} ms`;
}

/** What the kernel counts as sent to the disk by a process. */
function writtenBytes(processId: number): number {
  const [, bytes = "0"] = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${processId}/io`, "utf8")) ?? [];
  return Number(bytes);
}

/** One value each of devices that nothing else reports, one after the other, until it is in the API. */
async function probe(client: MqttClient, watch: StatusWatch, kind: string): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let index = 0; index < PROBES; index++) {
    const device = `probe-${kind}-${index}`;
    const beganMs = performance.now();
    const seen = watch.seen(device, "1");
    await client.publishAsync(
      `$hw/events/device/default/${device}/twin/update`,
      JSON.stringify({ event_id: "probe", twin: { count: { actual: { value: "1" } } } }),
      { qos: 1 },
    );
    const isSeen = await Promise.race([seen.then(() => true), delay(PROBE_LIMIT_MS, false, { ref: false })]);
    if (!isSeen) throw new Error(`${device} did not come to the API within ${PROBE_LIMIT_MS / 1000} s`);
    latenciesMs.push(performance.now() - beganMs);
    await delay(PROBE_PAUSE_MS);
  }
  return latenciesMs;
}

/** Sends counting values at the rate and notes which were accepted. */
class Load implements AsyncDisposable {
  readonly #sentAtMs = new Map<string, number>();
  readonly #session: MqttSession;
  readonly latenciesMs: number[] = [];
  sentCount = 0;
  acceptedCount = 0;
  refusedCount = 0;

  private constructor(session: MqttSession) {
    this.#session = session;
  }

  /** With EdgeCore's own client, which takes a third of the processor's time of the `mqtt` package's: it is wanted elsewhere. */
  static async start(): Promise<Load> {
    const address = `tcp://127.0.0.1:${installation.ports.mqtt}`;
    const ids = { subscriberId: "load-subscriber", publisherId: "load-publisher" };
    const session = await new MqttJsConnector({ address, ...ids }).connect(
      ["$hw/events/device/+/+/twin/update/result"],
      { onMessage: async (message) => load.#answered(message), onClose: () => undefined },
      new AbortController().signal,
    );
    const load = new Load(session);
    return load;
  }

  #answered({ payload }: MqttMessage): void {
    const { event_id: id, code } = JSON.parse(Buffer.from(payload).toString()) as { event_id: string; code?: number };
    const sentAtMs = this.#sentAtMs.get(id);
    if (sentAtMs === undefined) return;
    this.#sentAtMs.delete(id);
    this.latenciesMs.push(performance.now() - sentAtMs);
    if (code === undefined) this.acceptedCount++;
    else this.refusedCount++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#session[Symbol.asyncDispose]());
  }

  async send(): Promise<void> {
    const beganMs = performance.now();
    const total = rate * seconds;
    while (this.sentCount < total) {
      const due = Math.min(total, Math.floor(((performance.now() - beganMs) / 1000) * rate));
      for (; this.sentCount < due; this.sentCount++) {
        const id = String(this.sentCount);
        const device = this.sentCount % deviceCount;
        const value = String(Math.floor(this.sentCount / deviceCount) + 1);
        this.#sentAtMs.set(id, performance.now());
        void this.#session.publish(
          `$hw/events/device/default/gate-${device}/twin/update`,
          JSON.stringify({ event_id: id, twin: { count: { actual: { value } } } }),
        );
      }
      await delay(TICK_MS);
    }
  }

  async allAnswered(): Promise<void> {
    for (let waited = 0; this.#sentAtMs.size > 0; waited += 100) {
      if (waited > 60_000)
        throw new Error(
          `${this.#sentAtMs.size} of ${this.sentCount} updates were never answered: the rate is too high`,
        );
      await delay(100);
    }
  }
}

/** Waits until all accepted values are stored, and checks that each device's are 1, 2, 3, … by sequence. */
async function storedInOrder(load: Load): Promise<number> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const counted = `FROM telemetry_sample AS sample JOIN telemetry_series AS series ON series.id = sample.series_id
                   WHERE device LIKE 'default/gate-%'`;
  let count = 0;
  for (let waited = 0; count < load.acceptedCount && waited < 300_000; waited += 250) {
    count = Number((await client.query(`SELECT count(*) AS count ${counted}`)).rows[0].count);
    await delay(250);
  }
  const { rows } = await client.query(
    `SELECT count(*) AS count FROM (
       SELECT value::bigint AS value, row_number() OVER (PARTITION BY device ORDER BY stream_id, sequence) AS place ${counted}
     ) AS placed WHERE value <> place`,
  );
  await client.end();
  if (rows[0].count !== "0") throw new Error(`${rows[0].count} samples are not in their device's order`);
  return count;
}

/** Tells when a value is in a DeviceStatus, and how often any was written. */
class StatusWatch {
  readonly #api: KubernetesApi;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<string, () => void>();
  eventCount = 0;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async start(): Promise<void> {
    const target = { resource: deviceStatuses, namespace: "default" };
    const { metadata } = await this.#api.list(target);
    // Without the watch the probes do not come, which says enough.
    void this.#run(metadata.resourceVersion ?? "").catch(() => undefined);
  }

  seen(device: string, value: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(`${device}=${value}`, resolve));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(resourceVersion: string): Promise<void> {
    const target = { resource: deviceStatuses, namespace: "default" };
    const { signal } = this.#stop;
    for await (const event of this.#api.watch<
      KubernetesObject & { status?: { twins?: { reported?: { value?: string } }[] } }
    >(target, { resourceVersion, signal })) {
      if (event.type === "BOOKMARK") continue;
      this.eventCount++;
      const key = `${event.object.metadata.name}=${event.object.status?.twins?.[0]?.reported?.value}`;
      this.#waiting.get(key)?.();
      this.#waiting.delete(key);
    }
  }
}

await using postgres = await PostgresServer.start(sharedParts);
const installation = await Installation.create("telemetry");
try {
  await installation.up("--no-examples");
  await reconfigure("cloudcore", join(installation.home, "cloudcore/cloudcore.yaml"), (config) => {
    config["skerry"] = { telemetry: { postgres: postgres.url } };
  });
  await reconfigure(`edgecore ${NODE}`, join(installation.home, NODE, "edgecore.yaml"), (config) => {
    config["modules"].deviceTwin.updateInterval = Number(values["update-interval"]);
  });
  using api = new HttpsKubernetesApi(await loadKubeconfig(installation.kubeconfig));
  await createDevices(api, deviceCount);
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${installation.ports.mqtt}`, { reconnectPeriod: 0 });
  await devicesKnown(client, deviceCount);
  await measure(api, client);
  await client.endAsync();
} finally {
  await installation.dispose();
}
