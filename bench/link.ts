// Many hollow nodes on one CloudCore: memory and CPU a node, how fast they come, one ConfigMap to all, the same beside
// two hostile nodes, and their return after CloudCore was killed; with each protocol, on a Skerry that is set up anew.
import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { Fleet } from "./support/fleet.ts";
import { HostileNodes } from "./support/hostile-nodes.ts";
import { createFleetLoad, createHostileNodes, deliverConfigMap } from "./support/link-load.ts";
import { sampleMemory } from "./support/process-memory.ts";
import { processorMs } from "./support/process-time.ts";
import { type Figure, milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median, percentile } from "./support/statistics.ts";

export const LINK_PROTOCOLS: readonly string[] = ["skerry", "kubeedge"];

const SETTLE_MS = 30_000;
const IDLE_MS = 30_000;
const ROUNDS = 3;
/** For all nodes to be there; for everything else. */
const JOIN_LIMIT_MS = 900_000;
const LIMIT_MS = 300_000;
const PARTS = ["cloudcore", "control plane"] as const;

/** Measures and returns a table for each protocol; what a run came to before it failed is in its table too. */
export async function measureLink(skerry: ShippedSkerry, nodes: number, protocols: readonly string[]): Promise<string> {
  const tables: string[] = [];
  for (const protocol of protocols) {
    if (tables.length > 0) skerry.startAfresh();
    const run = new LinkRun(skerry, nodes, protocol);
    try {
      await run.measure();
    } catch (error) {
      run.fail("ended early", error);
    }
    tables.push(table(`The link: ${nodes} hollow nodes, protocol ${protocol}`, run.figures));
  }
  return tables.join("\n");
}

/** The measurement of one protocol. */
class LinkRun {
  readonly figures: Figure[] = [];
  readonly #skerry: ShippedSkerry;
  readonly #nodes: number;
  readonly #protocol: string;

  constructor(skerry: ShippedSkerry, nodes: number, protocol: string) {
    this.#skerry = skerry;
    this.#nodes = nodes;
    this.#protocol = protocol;
  }

  tell(what: string, value: string): void {
    this.figures.push({ what, value });
    process.stderr.write(`${this.#protocol}: ${what}: ${value}\n`);
  }

  fail(what: string, error: unknown): void {
    process.exitCode = 1;
    this.tell(what, describeError(error));
  }

  async measure(): Promise<void> {
    using api = await this.#skerry.api();
    await delay(SETTLE_MS);
    const before = await this.#memory();
    const name = `bench-${this.#protocol}`;
    const parameters = ["--name", name, "--protocol", this.#protocol, "--rate", "200"];
    await using fleet = new Fleet(this.#skerry, this.#nodes, parameters, LIMIT_MS);
    await this.#join(fleet);
    await this.#idle(fleet, before);
    await createFleetLoad(api, name);
    await fleet.until("a pod runs on each node", ({ containers }) => containers === this.#nodes);
    const quietMs = await this.#deliver(api, fleet, "one ConfigMap to all");
    await this.#besideHostileNodes(api, fleet, quietMs).catch((error: unknown) =>
      this.fail("beside hostile nodes", error),
    );
    await this.#afterKill(fleet);
    await deliverConfigMap(api, fleet, this.#nodes);
    this.tell("one more ConfigMap after that", "reached all");
  }

  async #join(fleet: Fleet): Promise<void> {
    const isThere = (connected: number, ready: number): boolean => connected === this.#nodes && ready === this.#nodes;
    const joinMs = await fleet.until("all Ready", (now) => isThere(now.connected, now.ready), JOIN_LIMIT_MS);
    this.tell(
      "all joined and Ready",
      `${milliseconds(joinMs)}, ${(this.#nodes / (joinMs / 1000)).toFixed(0)} a second`,
    );
  }

  async #idle(fleet: Fleet, before: OfParts): Promise<void> {
    await delay(SETTLE_MS);
    const after = await this.#memory();
    for (const part of PARTS) {
      const bytes = (after[part] - before[part]) / this.#nodes;
      this.tell(`${part}, memory a node`, `${(bytes / 1000).toFixed(0)} kB`);
      this.tell(`${part}, memory in all`, `${(after[part] / 1e6).toFixed(0)} MB`);
    }
    const [usedMs, bytes] = [this.#processorMs(), fleet.bytes];
    await delay(IDLE_MS);
    const later = this.#processorMs();
    for (const part of PARTS) {
      const share = (later[part] - usedMs[part]) / IDLE_MS;
      this.tell(`${part}, CPU of all idle`, `${(100 * share).toFixed(1)} % of a core`);
    }
    const aDay = ((fleet.bytes - bytes) * 86_400_000) / IDLE_MS / this.#nodes;
    this.tell("frames of an idle node a day", `${(aDay / 1e6).toFixed(2)} MB`);
  }

  /** Tells the times of some rounds and returns their 99th percentile, ms. */
  async #deliver(api: KubernetesApi, fleet: Fleet, what: string): Promise<number> {
    const times: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) times.push(...(await deliverConfigMap(api, fleet, this.#nodes)));
    const p99Ms = percentile(times, 0.99);
    this.tell(`${what}, median / 99th percentile`, `${milliseconds(median(times))} / ${milliseconds(p99Ms)}`);
    return p99Ms;
  }

  async #besideHostileNodes(api: KubernetesApi, fleet: Fleet, quietMs: number): Promise<void> {
    await createHostileNodes(api, HostileNodes.names);
    using hostile = await HostileNodes.start(this.#skerry, LIMIT_MS);
    await delay(SETTLE_MS / 3);
    const p99Ms = await this.#deliver(api, fleet, "the same while one node floods and one never reads");
    this.tell("99th percentile beside them, of the quiet one", `${(p99Ms / quietMs).toFixed(1)} times`);
    this.tell("what they did meanwhile", hostile.account);
  }

  async #afterKill(fleet: Fleet): Promise<void> {
    fleet.takeLeastReady();
    const killed = this.#skerry.processIds().get("cloudcore");
    if (killed === undefined) throw new Error("CloudCore does not run");
    const sessions = (fleet.now?.sessions ?? 0) + this.#nodes;
    process.kill(killed, "SIGKILL");
    const isBack = (now: { connected: number; sessions: number }): boolean =>
      now.connected === this.#nodes && now.sessions >= sessions;
    const backMs = await fleet.until("all are back", isBack);
    this.tell("CloudCore killed → all connected again", milliseconds(backMs));
    const readyMs = await fleet.until("all are Ready", ({ ready }) => ready === this.#nodes);
    this.tell("CloudCore killed → all Ready", milliseconds(backMs + readyMs));
    this.tell("nodes that were NotReady meanwhile", String(this.#nodes - fleet.takeLeastReady()));
  }

  async #memory(): Promise<OfParts> {
    const memory = await sampleMemory(this.#skerry.processIds());
    return ofParts((part) => (memory.get(part)?.residentMib ?? 0) * 2 ** 20);
  }

  /** The processor's time so far. */
  #processorMs(): OfParts {
    const processes = this.#skerry.processIds();
    return ofParts((part) => processorMs(processes.get(part) ?? Number.NaN));
  }
}

type OfParts = Record<(typeof PARTS)[number], number>;

function ofParts(value: (part: (typeof PARTS)[number]) => number): OfParts {
  return { cloudcore: value("cloudcore"), "control plane": value("control plane") };
}
