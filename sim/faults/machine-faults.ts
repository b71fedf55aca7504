import type { CallPhase, PortName } from "../world/crash-points.ts";
import type { SimulatedEdge } from "../world/simulated-edge.ts";
import type { Fault, FaultContext } from "./fault.ts";

const PHASES: readonly CallPhase[] = ["before", "during", "after"];

const FAILING_CALLS = [
  "runSandbox",
  "createContainer",
  "startContainer",
  "stopContainer",
  "removeContainer",
  "stopSandbox",
  "removeSandbox",
  "listContainers",
  "listSandboxes",
] as const;

/** What may happen to an edge machine. */
export const MACHINE_FAULTS: readonly Fault[] = [
  { name: "edge killed", weight: 1, inject: (context) => crash(context, (edge) => edge.kill()) },
  { name: "edge power loss", weight: 1, inject: (context) => crash(context, (edge) => edge.losePower()) },
  { name: "edge restarted while cut", weight: 1, inject: restartWhileCut },
  { name: "edge crash at database call", weight: 2, inject: (context) => crashAt(context, "database", 15) },
  { name: "edge crash at runtime call", weight: 1, inject: (context) => crashAt(context, "runtime", 25) },
  { name: "edge crash at link call", weight: 1.5, inject: (context) => crashAt(context, "link", 15) },
  { name: "edge crash at mqtt call", weight: 0.7, inject: (context) => crashAt(context, "mqtt", 4) },
  { name: "edge crash at dmi call", weight: 0.7, inject: (context) => crashAt(context, "dmi", 6) },
  { name: "edge database restored", weight: 0.7, needsSkerry: true, inject: (context) => restore(context, "database") },
  { name: "edge samples restored", weight: 0.7, inject: (context) => restore(context, "samples") },
  { name: "edge disk restored", weight: 0.7, needsSkerry: true, inject: (context) => restore(context, "all") },
  { name: "edge disk full", weight: 1, inject: (context) => troubleDisk(context, "database or disk is full") },
  { name: "edge database busy", weight: 0.7, inject: (context) => troubleDisk(context, "database is locked") },
  { name: "edge disk slow", weight: 0.7, inject: slowDisk },
  { name: "edge clock set", weight: 1, inject: setClock },
  { name: "runtime slow", weight: 1, inject: slowRuntime },
  { name: "runtime fails", weight: 1, inject: failRuntime },
  { name: "runtime away", weight: 1, inject: loseRuntime },
  { name: "runtime loses a container", weight: 1, inject: ({ edge, random }) => edge.loseSomeContainer(random) },
];

function crash({ edge, random, later }: FaultContext, how: (edge: SimulatedEdge) => void): void {
  const downMs = random.between(100, 6000);
  if (!edge.isRunning) return;
  how(edge);
  later(downMs, () => edge.startIfDown());
}

/** What it knew must run again without the cloud. */
function restartWhileCut(context: FaultContext): void {
  const { network, edge, random, later } = context;
  network.setCable(edge.name, "cut");
  later(random.between(15_000, 40_000), () => network.setCable(edge.name, "up"));
  crash(context, (each) => each.losePower());
}

/** It dies in one of its next calls of that port. */
function crashAt({ edge, random, later }: FaultContext, port: PortName, within: number): void {
  const losesPower = random.chance(0.6);
  const downMs = random.between(100, 6000);
  edge.crashPoints.plan({
    port,
    calls: random.between(1, within),
    phase: random.pick(PHASES) ?? "before",
    crash: () => {
      if (losesPower) edge.losePower();
      else edge.kill();
      later(downMs, () => edge.startIfDown());
    },
  });
}

/** Some time later the machine has only what was there now: a backup, or a disk image. */
function restore({ edge, random, later }: FaultContext, what: "database" | "samples" | "all"): void {
  const downMs = random.between(500, 6000);
  edge.backUp();
  later(random.between(3000, 40_000), () => {
    edge.losePower();
    if (what !== "samples") edge.restoreDatabase();
    if (what !== "database") edge.restoreSamples();
    later(downMs, () => edge.startIfDown());
  });
}

function troubleDisk(
  { edge, random, history, later }: FaultContext,
  trouble: "database or disk is full" | "database is locked",
): void {
  const set = (isOn: boolean): void => {
    edge.disk.trouble = isOn ? trouble : undefined;
    history.add(edge.name, { kind: "machine-troubled" });
    history.add(edge.name, { kind: "disk-troubled", isOn });
  };
  set(true);
  later(random.between(200, 10_000), () => set(false));
}

/** Each commit takes up to two seconds. */
function slowDisk({ edge, random, history, later }: FaultContext): void {
  edge.disk.extraSyncMs = random.between(100, 2000);
  later(random.between(1000, 15_000), () => {
    edge.disk.extraSyncMs = 0;
    history.add(edge.name, { kind: "machine-troubled" });
  });
}

/** Up to an hour before or after the true time; a machine without a battery for its clock. */
function setClock({ edge, random }: FaultContext): void {
  edge.setWallClock(random.between(-3_600_000, 3_600_000));
}

function slowRuntime(context: FaultContext): void {
  context.edge.runtime.delayMs = context.random.between(100, 2000);
  healRuntimeLater(context);
}

function failRuntime(context: FaultContext): void {
  const { edge, random } = context;
  for (let count = random.between(1, 4); count > 0; count--) {
    const call = random.pick(FAILING_CALLS);
    if (call) edge.runtime.failNext(call);
  }
  healRuntimeLater(context);
}

function loseRuntime(context: FaultContext): void {
  context.edge.runtime.setAvailable(false);
  healRuntimeLater(context);
}

function healRuntimeLater({ edge, random, history, later }: FaultContext): void {
  history.add(edge.name, { kind: "machine-troubled" });
  later(random.between(500, 10_000), () => {
    edge.healRuntime();
    history.add(edge.name, { kind: "machine-troubled" });
  });
}
