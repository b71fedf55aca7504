import type { Violation } from "../checkers/violation.ts";
import type { RunResult } from "../world/run-schedule.ts";

/** One seed's run in figures. */
export interface SeedSummary {
  readonly seed: number;
  readonly faults: number;
  /** Processes that died: of edges and clouds. */
  readonly crashes: number;
  /** Connections beyond each node's first. */
  readonly reconnects: number;
  /** 409 answers of the API server, true and invented ones. */
  readonly conflicts: number;
  readonly convergedAfterMs: number | undefined;
  readonly violations: readonly Violation[];
}

export function summaryOf(
  seed: number,
  { counters, network, history, convergedAfterMs, violations }: RunResult,
): SeedSummary {
  const count = (kind: string): number => history.events.filter((event) => event.kind === kind).length;
  const nodes = new Set(history.events.flatMap(({ node }) => node ?? [])).size;
  return {
    seed,
    faults: count("fault") - 1,
    crashes: count("edge-stopped") + count("cloud-stopped"),
    reconnects: Math.max(0, network.connections - nodes),
    conflicts: counters.of("conflict") + counters.of("conflict answered"),
    convergedAfterMs,
    violations,
  };
}

/** One line, and one for each of the first violations. */
export function summaryText(summary: SeedSummary): string {
  const { seed, faults, crashes, reconnects, conflicts, convergedAfterMs, violations } = summary;
  const converged = convergedAfterMs === undefined ? "never agreed" : `agreed after ${convergedAfterMs} ms`;
  return [
    `seed ${seed}: ${faults} faults, ${crashes} crashes, ${reconnects} reconnects, ${conflicts} conflicts, ${converged}`,
    ...violations.slice(0, 3).map(({ invariant, message }) => `  VIOLATED ${invariant}: ${message}`),
  ].join("\n");
}
