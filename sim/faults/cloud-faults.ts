import type { CallPhase, PortName } from "../world/crash-points.ts";
import type { Fault, FaultContext } from "./fault.ts";

const PHASES: readonly CallPhase[] = ["before", "during", "after"];

/** What may happen to CloudCore and to the API server. */
export const CLOUD_FAULTS: readonly Fault[] = [
  { name: "cloud killed", weight: 1, inject: (context) => crash(context, () => context.cloud.kill()) },
  { name: "cloud power loss", weight: 1, inject: (context) => crash(context, () => context.cloud.losePower()) },
  { name: "cloud killed while API lags", weight: 1, inject: crashInLag },
  { name: "cloud crash at api call", weight: 1.5, inject: (context) => crashAt(context, "api", 20) },
  { name: "cloud crash at link call", weight: 1.5, inject: (context) => crashAt(context, "link", 20) },
  {
    name: "cloud clock set",
    weight: 1,
    inject: ({ cloud, random }) => cloud.setWallClock(random.between(-3_600_000, 3_600_000)),
  },
  { name: "cloud crash at sink call", weight: 1, inject: (context) => crashAt(context, "sink", 6) },
  { name: "sink away", weight: 0.7, inject: loseSink },
  { name: "sink slow", weight: 0.5, inject: slowSink },
  { name: "sink restored from backup", weight: 0.5, inject: restoreSink },
  { name: "API down", weight: 1, inject: (context) => lie(context, 0, true) },
  { name: "API lies", weight: 1, inject: (context) => lie(context, context.random.float() * 0.3, false) },
  {
    name: "API lags",
    weight: 0.7,
    inject: (context) => lagFor(context, context.random.between(1000, 15_000)),
  },
  { name: "history compacted", weight: 1, inject: ({ api }) => api.compact() },
  { name: "watches closed", weight: 1, inject: ({ api }) => api.closeWatches() },
  { name: "cluster restored from backup", weight: 0.7, needsSkerry: true, inject: restoreCluster },
];

function loseSink({ sink, random, later }: FaultContext): void {
  sink.setAway(true);
  later(random.between(500, 20_000), () => sink.setAway(false));
}

/** Each commit takes up to five seconds. */
function slowSink({ sink, random, later }: FaultContext): void {
  sink.setSlow(random.between(100, 5000));
  later(random.between(1000, 20_000), () => sink.setSlow(0));
}

/** CloudCore goes on running, as it does when its database server is set back. */
function restoreSink({ sink, history, random, later }: FaultContext): void {
  sink.backUp();
  later(random.between(3000, 40_000), () => {
    if (sink.restore()) history.add(undefined, { kind: "sink-restored" });
  });
}

function crash({ cloud, random, later }: FaultContext, how: () => void): void {
  const downMs = random.between(100, 20_000);
  if (!cloud.isRunning) return;
  how();
  later(downMs, () => cloud.startIfDown());
}

/** The next CloudCore believes what was true some time ago, for a while. */
function crashInLag(context: FaultContext): void {
  lagFor(context, context.random.between(5000, 40_000));
  crash(context, () => context.cloud.kill());
}

function crashAt({ cloud, random, later }: FaultContext, port: PortName, within: number): void {
  const losesPower = random.chance(0.5);
  const downMs = random.between(100, 10_000);
  cloud.crashPoints.plan({
    port,
    calls: random.between(1, within),
    phase: random.pick(PHASES) ?? "before",
    crash: () => {
      if (losesPower) cloud.losePower();
      else cloud.kill();
      later(downMs, () => cloud.startIfDown());
    },
  });
}

function lie({ cloud, history, random, later }: FaultContext, probability: number, isDown: boolean): void {
  const set = (chance: number, down: boolean): void => {
    cloud.setLies(chance, down);
    history.add(undefined, { kind: "api-troubled", isOn: chance > 0 || down });
  };
  set(probability, isDown);
  later(random.between(500, 20_000), () => set(0, false));
}

function lagFor({ cloud, history, later }: FaultContext, durationMs: number): void {
  const set = (isOn: boolean): void => {
    cloud.setLag(isOn);
    history.add(undefined, { kind: "api-troubled", isOn });
  };
  set(true);
  later(durationMs, () => set(false));
}

/**
 * Some time later the API server has only what was there now. Its operator starts it and CloudCore anew with the nodes
 * connected: a node that stays away until the versions have passed what it has seen cannot be told from one that lags
 * (docs/architecture.md, "Restored backup").
 */
function restoreCluster({ api, clouds, edges, network, random, later }: FaultContext): void {
  const downMs = random.between(500, 3000);
  api.backUp();
  later(random.between(3000, 30_000), () => {
    for (const edge of edges) {
      network.setCable(edge.name, "up");
      edge.startIfDown();
    }
    if (!api.restore()) return;
    for (const cloud of clouds) {
      cloud.losePower();
      cloud.setLies(0, false);
      cloud.setLag(false);
      cloud.forgetEarlierAnswers();
    }
    later(downMs, () => {
      for (const cloud of clouds) cloud.startIfDown();
    });
  });
}
