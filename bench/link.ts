// Many hollow nodes on one CloudCore: memory and CPU a node, how fast they come, one ConfigMap to all, and their return
// after CloudCore was killed; then the same with KubeEdge's protocol. SKERRY_BENCH_NODES says how many; 2,000 else.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { configMaps, nodes as nodeResource, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { Fleet } from "./support/fleet.ts";
import { sampleMemory } from "./support/process-memory.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median, percentile } from "./support/statistics.ts";

const NODES = Number(process.env["SKERRY_BENCH_NODES"] ?? 2_000);
const SETTLE_MS = 30_000;
const IDLE_MS = 30_000;
const ROUNDS = 3;
const CREATED_AT_ONCE = 16;
const LIMIT_MS = 600_000;
const TICKS_PER_SECOND = 100;
const PARTS = ["cloudcore", "control plane"] as const;
const target = { resource: configMaps, namespace: "default", name: "bench-link" } as const;

/** Measures and returns a table for each protocol. */
export async function measureLink(skerry: ShippedSkerry): Promise<string> {
  const tables: string[] = [];
  for (const protocol of ["skerry", "kubeedge"]) tables.push(await measureProtocol(skerry, protocol));
  return tables.join("\n");
}

async function measureProtocol(skerry: ShippedSkerry, protocol: string): Promise<string> {
  using api = await skerry.api();
  const figures: Figure[] = [];
  const tell = (what: string, value: string): void => {
    figures.push({ what, value });
    process.stderr.write(`${protocol}: ${what}: ${value}\n`);
  };
  await delay(SETTLE_MS);
  const before = await memoryOfParts(skerry);
  const name = `bench-${protocol}`;
  await using fleet = new Fleet(skerry, NODES, ["--name", name, "--protocol", protocol, "--rate", "200"], LIMIT_MS);
  const joinMs = await fleet.until("all nodes Ready", ({ connected, ready }) => connected === NODES && ready === NODES);
  tell("all joined and Ready", `${milliseconds(joinMs)}, ${(NODES / (joinMs / 1000)).toFixed(0)} a second`);
  await delay(SETTLE_MS);
  const after = await memoryOfParts(skerry);
  for (const part of PARTS)
    tell(`${part}, memory a node`, `${((after[part] - before[part]) / 1000 / NODES).toFixed(0)} kB`);

  const [ticks, sentBytes, receivedBytes] = [
    ticksOfParts(skerry),
    fleet.now?.sentBytes ?? 0,
    fleet.now?.receivedBytes ?? 0,
  ];
  await delay(IDLE_MS);
  const later = ticksOfParts(skerry);
  for (const part of PARTS)
    tell(
      `${part}, CPU of all idle`,
      `${((100 * (later[part] - ticks[part])) / TICKS_PER_SECOND / (IDLE_MS / 1000)).toFixed(1)} % of a core`,
    );
  const bytes = (fleet.now?.sentBytes ?? 0) - sentBytes + (fleet.now?.receivedBytes ?? 0) - receivedBytes;
  tell("frames of an idle node a day", `${((bytes * 86_400_000) / IDLE_MS / NODES / 1e6).toFixed(2)} MB`);

  await createLoad(api, name);
  await fleet.until("a pod runs on each node", ({ containers }) => containers === NODES);
  fleet.takeDeliveriesMs();
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    await updateConfigMap(api, round);
    await fleet.until("the ConfigMap is everywhere", () => fleet.deliveries >= NODES);
    times.push(...fleet.takeDeliveriesMs());
  }
  tell(
    "one ConfigMap to all, median / 99th percentile",
    `${milliseconds(median(times))} / ${milliseconds(percentile(times, 0.99))}`,
  );

  fleet.takeLeastReady();
  const killed = skerry.processIds().get("cloudcore");
  if (killed === undefined) throw new Error("CloudCore does not run");
  const sessions = (fleet.now?.sessions ?? 0) + NODES;
  process.kill(killed, "SIGKILL");
  const backMs = await fleet.until("all are back", (now) => now.connected === NODES && now.sessions >= sessions);
  await fleet.until("all are Ready", ({ ready }) => ready === NODES);
  tell("CloudCore killed → all connected again", milliseconds(backMs));
  tell("nodes that were NotReady meanwhile", String(NODES - fleet.takeLeastReady()));
  await updateConfigMap(api, ROUNDS + 1);
  await fleet.until("the ConfigMap is everywhere again", () => fleet.deliveries >= NODES);
  await api.delete(target);
  return table(`The link: ${NODES} hollow nodes, protocol ${protocol}`, figures);
}

type OfParts = Record<(typeof PARTS)[number], number>;

async function memoryOfParts(skerry: ShippedSkerry): Promise<OfParts> {
  const memory = await sampleMemory(skerry.processIds());
  return ofParts((part) => (memory.get(part)?.residentMib ?? 0) * 2 ** 20);
}

/** CPU time so far, user and system. */
function ticksOfParts(skerry: ShippedSkerry): OfParts {
  const processes = skerry.processIds();
  return ofParts((part) => {
    const stat = readFileSync(`/proc/${processes.get(part)}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
}

function ofParts(value: (part: (typeof PARTS)[number]) => number): OfParts {
  return { cloudcore: value("cloudcore"), "control plane": value("control plane") };
}

/** A ConfigMap, and on each node a pod that has it. */
async function createLoad(api: KubernetesApi, fleet: string): Promise<void> {
  const metadata = { name: target.name, namespace: target.namespace };
  await api.create(target, { apiVersion: "v1", kind: "ConfigMap", metadata });
  const { items } = await api.list({ resource: nodeResource }, { labelSelector: `skerry.io/fleet=${fleet}` });
  const waiting = items.map(({ metadata: { name } }) => name);
  const create = async (): Promise<void> => {
    for (let nodeName = waiting.pop(); nodeName !== undefined; nodeName = waiting.pop()) {
      const spec = {
        nodeName,
        containers: [{ name: "app", image: "app:1", envFrom: [{ configMapRef: { name: target.name } }] }],
      };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: nodeName, namespace: "default" }, spec };
      await api.create({ resource: pods, namespace: "default" }, pod);
    }
  };
  await Promise.all(Array.from({ length: CREATED_AT_ONCE }, create));
}

async function updateConfigMap(api: KubernetesApi, round: number): Promise<void> {
  const annotations = { "skerry.io/sent-at": String(Date.now()) };
  await api.patch(target, { type: "merge", body: { metadata: { annotations }, data: { round: String(round) } } });
}
