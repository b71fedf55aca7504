import type { DeliveryName } from "@skerry/link";
import { API_SERVER_FAULTS } from "../faults/api-server-faults.ts";
import type { Fault } from "../faults/fault.ts";
import { FAULTS } from "../faults/faults.ts";
import { RUNTIME_EVENT_FAULTS } from "../faults/runtime-event-faults.ts";
import { ACTS } from "../workload/acts.ts";
import { SeededRandom } from "../world/seeded-random.ts";
import type { SimulatedApi } from "../world/true-api.ts";
import type { NodePlan, Schedule, ScheduledAct, SimulatedProtocol } from "./schedule.ts";

/** Before the first act everything may come up. */
const QUIET_START_MS = 5_000;
const STEPS = 60;
const FAULT_SHARE = 0.3;
/** Of the nodes. */
const UNSYNCED_SHARE = 0.5;

/** Between two faults of an embedded API server. */
const API_SERVER_FAULTS_MS = 20_000;

/** Of the nodes. */
const RUNTIME_EVENTS_SHARE = 0.5;
/** Between two faults of the runtimes' events. */
const RUNTIME_EVENT_FAULTS_MS = 25_000;

/** The life that a seed stands for; with the embedded API server the same one, and its server's faults besides. */
export function drawSchedule(seed: number, protocol: SimulatedProtocol, api: SimulatedApi = "memory"): Schedule {
  const schedule = withRuntimeEvents(drawLife(seed, protocol));
  if (api === "memory") return schedule;
  return { ...withFaults(schedule, API_SERVER_FAULTS, API_SERVER_FAULTS_MS, new SeededRandom(~seed)), api };
}

/** Gives some nodes a runtime that tells events, and these their faults; drawn apart, so that it shifts no other draws. */
function withRuntimeEvents(schedule: Schedule): Schedule {
  const random = new SeededRandom(schedule.seed ^ 0x5eed);
  const nodes = schedule.nodes.map((node) => ({ ...node, hasRuntimeEvents: random.chance(RUNTIME_EVENTS_SHARE) }));
  return withFaults({ ...schedule, nodes }, RUNTIME_EVENT_FAULTS, RUNTIME_EVENT_FAULTS_MS, random);
}

/** The schedule with further faults, on average so far apart. */
function withFaults(schedule: Schedule, kinds: readonly Fault[], everyMs: number, random: SeededRandom): Schedule {
  const faults: ScheduledAct[] = [];
  const pauseMs = (): number => random.between(1000, 2 * everyMs);
  for (let atMs = QUIET_START_MS + pauseMs(); atMs < schedule.endMs; atMs += pauseMs())
    faults.push(drawAct("fault", weighted(random, kinds), atMs, schedule.nodes, random));
  const acts = [...schedule.acts, ...faults].sort((left, right) => left.atMs - right.atMs);
  return { ...schedule, acts };
}

function drawLife(seed: number, protocol: SimulatedProtocol): Schedule {
  const random = new SeededRandom(seed);
  const nodes = Array.from({ length: random.chance(0.6) ? 2 : 3 }, () => ({
    delivery: drawDelivery(random, protocol),
    hasTightOutbox: random.chance(0.2),
    hasTightRing: random.chance(0.2),
    hasUnsyncedDisk: random.chance(UNSYNCED_SHARE),
  }));
  const clouds = random.chance(0.4) ? 2 : 1;
  const acts: ScheduledAct[] = [];
  let atMs = QUIET_START_MS;
  for (let step = 0; step < STEPS; step++) {
    acts.push(drawAct("work", weighted(random, ACTS), atMs, nodes, random));
    if (random.chance(FAULT_SHARE)) acts.push(drawAct("fault", drawFault(random, nodes), atMs, nodes, random));
    atMs += random.between(50, 3000);
  }
  return { seed, clouds, nodes, acts, endMs: atMs };
}

function drawDelivery(random: SeededRandom, protocol: SimulatedProtocol): DeliveryName {
  if (protocol !== "mixed") return protocol;
  return random.chance(0.35) ? "kubeedge" : "skerry";
}

function drawFault(random: SeededRandom, nodes: readonly NodePlan[]): string {
  const onlySkerry = nodes.every(({ delivery }) => delivery === "skerry");
  return weighted(
    random,
    FAULTS.filter(({ needsSkerry }) => onlySkerry || !needsSkerry),
  );
}

function drawAct(
  kind: ScheduledAct["kind"],
  what: string,
  atMs: number,
  nodes: readonly NodePlan[],
  random: SeededRandom,
): ScheduledAct {
  return { atMs, kind, what, node: random.between(0, nodes.length), salt: random.between(0, 2 ** 32) };
}

function weighted(random: SeededRandom, items: readonly { readonly name: string; readonly weight: number }[]): string {
  let left = random.float() * items.reduce((sum, { weight }) => sum + weight, 0);
  for (const { name, weight } of items) {
    left -= weight;
    if (left < 0) return name;
  }
  return items.at(-1)?.name ?? "";
}
