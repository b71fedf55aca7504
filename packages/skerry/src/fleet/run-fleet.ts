import { type Clock, type Random, silentLogger, sleep } from "@skerry/base";
import { type JoinTokenScope, MAX_BATCH } from "@skerry/cloudcore";
import type { KubernetesApi } from "@skerry/kube";
import type { DeliveryName } from "@skerry/link";
import { fleetNotReady, fleetProcessLost } from "../errors.ts";
import type { FleetPlan } from "./fleet-messages.ts";
import { FLEET_LABEL, ReadyNodes } from "./fleet-nodes.ts";
import { FleetProcesses } from "./fleet-processes.ts";
import { type FleetReport, type FleetState, fleetState, TimeCounts } from "./fleet-report.ts";

const POLL_MS = 1_000;

export interface FleetOptions {
  /** The fleet's name, with which those of its nodes begin. */
  readonly name: string;
  readonly nodes: number;
  readonly nodesPerProcess: number;
  readonly nodesPerSecond: number;
  readonly delivery: DeliveryName;
  /** How long it goes on once all nodes are there; undefined: until `signal`. */
  readonly goOnMs: number | undefined;
  /** How long the nodes may take to be there. */
  readonly joinTimeoutMs: number;
}

/** Where a fleet's nodes join. */
export interface FleetCloud {
  readonly cloudHub: string;
  readonly cloudHttps: string;
  /** A join token for so many nodes with such names. */
  token(scope: JoinTokenScope): Promise<string>;
  /** For the Nodes' conditions, where it is known. */
  readonly api: KubernetesApi | undefined;
}

/**
 * Runs a fleet until its time is over or `signal` ends it. `onState` hears once a second how it stands, and how long the
 * deliveries since then took.
 * @throws SkerryError `SKERRY_FLEET_NOT_READY`, `SKERRY_FLEET_PROCESS_LOST`
 */
export async function runFleet(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  cloud: FleetCloud,
  options: FleetOptions,
  onState: (state: FleetState, deliveriesMs: readonly number[]) => void,
  signal: AbortSignal,
): Promise<FleetReport> {
  const { api } = cloud;
  const plans = await makePlans(cloud, options);
  await using ready = api && new ReadyNodes({ api, clock, random, logger: silentLogger }, options.name);
  const times = new TimeCounts();
  let deliveriesMs: number[] = [];
  await using processes = new FleetProcesses(plans, (milliseconds) => {
    times.add(milliseconds);
    deliveriesMs.push(milliseconds);
  });
  const beganMs = clock.monotonicMs();
  let allConnectedMs: number | undefined;
  let allReadyMs: number | undefined;
  let state = fleetState(options.nodes, [], ready?.count);
  while (!signal.aborted) {
    await sleep(clock, POLL_MS, signal).catch(() => undefined);
    const ranMs = clock.monotonicMs() - beganMs;
    state = fleetState(options.nodes, processes.samples, ready?.count);
    onState(state, deliveriesMs);
    deliveriesMs = [];
    if (processes.lost > 0) throw fleetProcessLost(processes.lost);
    if (state.connected === options.nodes) allConnectedMs ??= ranMs;
    if (state.ready === options.nodes) allReadyMs ??= ranMs;
    const allThereMs = ready ? allReadyMs : allConnectedMs;
    if (allThereMs === undefined && ranMs > options.joinTimeoutMs) throw fleetNotReady(state, options.joinTimeoutMs);
    if (allThereMs !== undefined && options.goOnMs !== undefined && ranMs - allThereMs >= options.goOnMs) break;
  }
  return {
    ...state,
    name: options.name,
    delivery: options.delivery,
    processes: plans.length,
    allConnectedMs,
    allReadyMs,
    ranMs: clock.monotonicMs() - beganMs,
    deliveries: { count: times.total, medianMs: times.percentile(0.5), p99Ms: times.percentile(0.99) },
  };
}

/** A part of the nodes for each process, with a token of its own: one token is for so many nodes at most. */
async function makePlans(cloud: FleetCloud, options: FleetOptions): Promise<FleetPlan[]> {
  const plans: FleetPlan[] = [];
  const perProcess = Math.min(options.nodesPerProcess, MAX_BATCH);
  const processes = Math.ceil(options.nodes / perProcess);
  for (let index = 0; index < processes; index++) {
    const first = index * perProcess + 1;
    const count = Math.min(perProcess, options.nodes - first + 1);
    plans.push({
      prefix: options.name,
      first,
      count,
      nodesPerSecond: options.nodesPerSecond / processes,
      labels: { [FLEET_LABEL]: options.name },
      cloudHub: cloud.cloudHub,
      cloudHttps: cloud.cloudHttps,
      token: await cloud.token({ kind: "batch", count, namePattern: `${options.name}-*` }),
      delivery: options.delivery,
    });
  }
  return plans;
}
