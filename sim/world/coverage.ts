import type { HistoryEvent } from "./history.ts";

/** So long after a fault began what is mended counts as met by it, in virtual time: longer than any fault lasts. */
const REACH_MS = 60_000;

/** The ways in which the system mends itself. */
export const RECOVERY_PATHS = [
  "session opened",
  "edge started",
  "cloud started",
  "object stored",
  "object deleted",
  "container started",
  "report delivered",
  "inventory taken",
  "object refused",
] as const;

type RecoveryPath = (typeof RECOVERY_PATHS)[number];

/** How often each kind of fault met each way of recovery. */
export class Coverage {
  readonly #counts = new Map<string, Map<RecoveryPath, number>>();

  /** Counts what one world's history shows. */
  add(events: readonly HistoryEvent[]): void {
    const begun: { readonly what: string; readonly atMs: number }[] = [];
    for (const event of events) {
      if (event.kind === "fault") begun.push({ what: event.what, atMs: event.atMs });
      const path = recoveryIn(event);
      if (path === undefined) continue;
      const met = begun.filter(({ atMs }) => event.atMs - atMs <= REACH_MS).map(({ what }) => what);
      for (const what of new Set(met)) this.#count(what, path);
    }
  }

  /** Faults of the given kinds that never met some way of recovery, with its name. */
  missing(faults: readonly string[]): string[] {
    return faults.flatMap((fault) =>
      RECOVERY_PATHS.filter((path) => !this.#counts.get(fault)?.get(path)).map((path) => `${fault} × ${path}`),
    );
  }

  /** A table for people: a line a fault, a column a way of recovery. */
  text(faults: readonly string[]): string {
    const rows = faults.map((fault) =>
      [fault, ...RECOVERY_PATHS.map((path) => String(this.#counts.get(fault)?.get(path) ?? 0))].join(" | "),
    );
    return [
      ["fault", ...RECOVERY_PATHS].join(" | "),
      ["---", ...RECOVERY_PATHS.map(() => "---:")].join(" | "),
      ...rows,
    ].join("\n");
  }

  #count(fault: string, path: RecoveryPath): void {
    const paths = this.#counts.get(fault) ?? new Map<RecoveryPath, number>();
    this.#counts.set(fault, paths);
    paths.set(path, (paths.get(path) ?? 0) + 1);
  }
}

function recoveryIn(event: HistoryEvent): RecoveryPath | undefined {
  switch (event.kind) {
    case "sessions":
      return event.sessions.length > 0 ? "session opened" : undefined;
    case "edge-started":
      return "edge started";
    case "cloud-started":
      return "cloud started";
    case "object-stored":
      return "object stored";
    case "object-deleted":
      return "object deleted";
    case "container-started":
      return "container started";
    case "twin-shown":
      return "report delivered";
    case "inventory-taken":
      return "inventory taken";
    case "object-refused":
      return "object refused";
    default:
      return undefined;
  }
}
