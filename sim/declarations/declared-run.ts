import { type Device, type DeviceStatus, deviceStatuses, devices, events, type KubernetesObject } from "@skerry/api";
import { type Logger, silentLogger } from "@skerry/base";
import type { Violation } from "../checkers/violation.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { createDevices } from "../workload/acts.ts";
import { DEVICE_KINDS, type DeviceKind, DRIVEN, METERED, NAMESPACE, nodeNameOf } from "../workload/names.ts";
import type { PortName } from "../world/crash-points.ts";
import { SeededRandom } from "../world/seeded-random.ts";
import { VirtualClock } from "../world/virtual-clock.ts";
import { World, type WorldNode } from "../world/world.ts";
import { checkAtMostOnce, checkConflictRule } from "./check-declarations.ts";
import { type ClientFact, DeclaredClient } from "./declared-client.ts";

/** What a life declares of its devices' wanted values. */
export const DECLARATIONS = ["at-most-once", "newest", "cloud", "edge"] as const;
export type Declaration = (typeof DECLARATIONS)[number];

const NODE = nodeNameOf(0);
const STARTED_MS = 10_000;
const SETTLED_MS = 40_000;
const ACTS = 40;
const PORTS: readonly PortName[] = ["database", "mqtt", "dmi", "link"];
const PHASES = ["before", "during", "after"] as const;

/** What became of a life. */
export interface DeclaredResult {
  readonly declaration: Declaration;
  readonly violations: readonly Violation[];
  /** What the device's client heard and did, for people. */
  readonly story: string;
}

/**
 * A cloud and a node whose devices declare how often a wanted value takes effect (`skerry.io/effect`), or whose wish
 * counts (`skerry.io/conflict`). Cables are cut, both sides crash at any call of a port; then everything works again.
 */
export async function runDeclared(
  seed: number,
  mutant?: Mutant,
  logger: Logger = silentLogger,
): Promise<DeclaredResult> {
  return new DeclaredLife(seed, mutant, logger).toEnd();
}

class DeclaredLife {
  readonly #clock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #declaration: Declaration;
  /** KubeEdge's messages have no place for whose wish a value is. */
  readonly #tellsOwners: boolean;
  readonly #world: World;
  readonly #node: WorldNode;
  readonly #client: DeclaredClient;
  #values = 0;

  constructor(seed: number, mutant: Mutant | undefined, logger: Logger) {
    this.#random = new SeededRandom(seed);
    this.#declaration = this.#random.pick(DECLARATIONS) ?? "newest";
    this.#tellsOwners = this.#random.chance(0.7);
    const nodes = [{ delivery: this.#tellsOwners ? "skerry" : "kubeedge", hasTightOutbox: false } as const];
    this.#world = new World(
      { seed, clouds: 1, nodes, acts: [], endMs: 0 },
      { clock: this.#clock, logger, mutant, sqlite: undefined },
    );
    const [node] = this.#world.nodes;
    if (!node) throw new Error("the world has no node");
    this.#node = node;
    this.#client = new DeclaredClient(node.broker, NODE);
  }

  async toEnd(): Promise<DeclaredResult> {
    await createDevices(this.#world.api, [NODE]);
    for (const kind of DEVICE_KINDS) await this.#declare(kind);
    for (const cloud of this.#world.clouds) cloud.start();
    this.#node.edge.start();
    await this.#clock.advance(STARTED_MS);
    for (let act = 0; act < ACTS; act++) {
      await this.#act();
      await this.#clock.advance(this.#random.between(20, 4_000));
    }
    this.#world.heal();
    this.#world.network.setCable(NODE, "up");
    await this.#clock.advance(SETTLED_MS);
    const violations = this.#declaration === "at-most-once" ? await this.#once() : await this.#conflict();
    this.#world.destroy();
    const story = this.#client.facts.map((fact) => JSON.stringify(fact)).join("\n");
    return { declaration: this.#declaration, violations, story };
  }

  async #declare(kind: DeviceKind): Promise<void> {
    const annotations =
      this.#declaration === "at-most-once"
        ? { "skerry.io/effect": `${kind.desired}=at-most-once` }
        : { "skerry.io/conflict": this.#declaration };
    await this.#world.api.patch(this.#target(kind), { type: "merge", body: { metadata: { annotations } } });
  }

  async #act(): Promise<void> {
    const { edge } = this.#node;
    const draw = this.#random.between(0, 100);
    if (draw < 30) await this.#set(METERED);
    else if (draw < 40) await this.#set(DRIVEN);
    else if (draw < 50) this.#client.obey();
    else if (draw < 65 && this.#declaration !== "at-most-once")
      this.#client.want(this.#random.chance(0.3) ? "" : `edge ${++this.#values}`);
    else if (draw < 75) this.#cut();
    else if (draw < 90)
      edge.crashPoints.plan({
        port: this.#random.pick(PORTS) ?? "database",
        calls: this.#random.between(1, 6),
        phase: this.#random.pick(PHASES) ?? "during",
        crash: () => this.#crash(),
      });
    else if (draw < 95) this.#crash();
    else for (const cloud of this.#world.clouds) this.#restart(cloud);
  }

  #cut(): void {
    this.#world.network.setCable(NODE, "cut");
    this.#clock.setTimer(this.#random.between(500, 20_000), () => this.#world.network.setCable(NODE, "up"));
  }

  #crash(): void {
    const { edge } = this.#node;
    if (!edge.isRunning) return;
    if (this.#random.chance(0.5)) edge.losePower();
    else edge.kill();
    this.#clock.setTimer(this.#random.between(100, 5_000), () => edge.startIfDown());
  }

  #restart(cloud: World["clouds"][number]): void {
    if (cloud.isRunning) cloud.kill();
    this.#clock.setTimer(this.#random.between(100, 5_000), () => cloud.startIfDown());
  }

  /** A user wants another value. */
  async #set(kind: DeviceKind): Promise<string> {
    const value = `cloud ${++this.#values}`;
    const device = await this.#world.api.get<Device>(this.#target(kind));
    const properties = (device.spec?.properties ?? []).map((property) =>
      property.name === kind.desired ? { ...property, desired: { value } } : property,
    );
    await this.#world.api.update(this.#target(kind), { ...device, spec: { ...device.spec, properties } });
    if (kind === METERED) this.#client.facts.push({ kind: "set", value });
    else this.#world.history.add(NODE, { kind: "desired-set", device: kind.deviceOf(NODE), value });
    return value;
  }

  async #once(): Promise<Violation[]> {
    const driven = this.#world.history.eventsOf(NODE).flatMap((event): ClientFact[] => {
      if (event.kind === "desired-set" && event.device === DRIVEN.deviceOf(NODE))
        return [{ kind: "set", value: event.value }];
      return event.kind === "desired-told" && event.device === DRIVEN.deviceOf(NODE)
        ? [{ kind: "told", value: event.value }]
        : [];
    });
    return [
      ...checkAtMostOnce("the MQTT client", this.#client.facts, await this.#followed(METERED)),
      ...checkAtMostOnce("the driver", driven, await this.#followed(DRIVEN)),
    ];
  }

  /** With everything at work: the edge wants something, then the cloud, then the edge takes its wish back. */
  async #conflict(): Promise<Violation[]> {
    const steps = [];
    for (const step of ["edge wants", "cloud sets", "edge takes back"] as const) {
      if (step === "cloud sets") await this.#set(METERED);
      else this.#client.want(step === "edge wants" ? "edge at last" : "");
      await this.#clock.advance(SETTLED_MS);
      const { value = "" } = (await this.#followed(METERED)) ?? {};
      steps.push({ step, told: this.#client.lastTold, followed: value });
    }
    const { items } = await this.#world.api.list<KubernetesObject & { readonly reason?: string }>({ resource: events });
    const reasons = new Set(items.map(({ reason }) => reason ?? ""));
    return this.#declaration === "at-most-once"
      ? []
      : checkConflictRule(this.#declaration, this.#client.facts, { steps, ...(this.#tellsOwners && { reasons }) });
  }

  /** What the cloud shows that the node follows. */
  async #followed(
    kind: DeviceKind,
  ): Promise<{ readonly value: string; readonly effect: string | undefined } | undefined> {
    const { items } = await this.#world.api.list<DeviceStatus>({ resource: deviceStatuses });
    const twins = items.find(({ metadata }) => metadata.name === kind.deviceOf(NODE))?.status?.twins;
    const observed = twins?.find(({ propertyName }) => propertyName === kind.desired)?.observedDesired;
    return observed && { value: observed.value, effect: observed.metadata?.["effect"] };
  }

  #target(kind: DeviceKind): { resource: typeof devices; namespace: string; name: string } {
    return { resource: devices, namespace: NAMESPACE, name: kind.deviceOf(NODE) };
  }
}
