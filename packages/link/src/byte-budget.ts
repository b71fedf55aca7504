import type { Message } from "./message.ts";
import { routeOf } from "./routes.ts";

/** How many bytes of IP traffic a node's link may cost, both directions. */
export interface ByteBudgetLimits {
  readonly bytesPerDay: number;
  /** What may be used at once after a quiet time. */
  readonly burstBytes: number;
}

/** Annotation of a Node with its budget: see {@link parseByteBudget}. */
export const BYTE_BUDGET_ANNOTATION = "skerry.io/byte-budget";

/** What the budget keeps back just now: telemetry first, then events too, then states go only now and then. */
export type BudgetStage = "within" | "telemetry-held" | "events-held" | "states-rarer";

/** How a budget stands. */
export interface ByteBudgetStatus extends ByteBudgetLimits {
  readonly stage: BudgetStage;
  /** Below zero when control messages have overdrawn it. */
  readonly leftBytes: number;
  /** How often a message was kept back. */
  readonly held: Readonly<Record<"telemetry" | "event" | "state", number>>;
}

/** Shares of the burst below which telemetry and events are kept back. */
const TELEMETRY_SHARE = 0.5;
const EVENT_SHARE = 0.25;
/** Of an empty budget: the cloud is not left blind. */
const STATE_PERIOD_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/**
 * What a node may send when its link is paid for by the byte; pure. Everything that crosses is counted. Control (objects,
 * acknowledgements, calls and answers, the node's own status) is never kept back, even if it overdraws the budget.
 */
export class ByteBudget {
  readonly #limits: ByteBudgetLimits;
  readonly #held = { telemetry: 0, event: 0, state: 0 };
  #leftBytes: number;
  #filledMs: number;
  #stateSentMs = Number.NEGATIVE_INFINITY;

  /** It begins full. `nowMs` and those of the methods are monotonic. */
  constructor(limits: ByteBudgetLimits, nowMs: number) {
    this.#limits = limits;
    this.#leftBytes = limits.burstBytes;
    this.#filledMs = nowMs;
  }

  /** Something has crossed the link. */
  spend(bytes: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#leftBytes -= bytes;
  }

  /** Whether a message of the node may leave now; one that may not is counted. */
  admits(message: Message, nowMs: number): boolean {
    const kind = budgetKind(message);
    if (kind === "control") return true;
    const stage = this.#stage(nowMs);
    const isHeld =
      kind === "telemetry"
        ? stage !== "within"
        : kind === "event"
          ? stage === "events-held" || stage === "states-rarer"
          : stage === "states-rarer" && nowMs < this.#stateSentMs + STATE_PERIOD_MS;
    if (isHeld) this.#held[kind]++;
    else if (kind === "state") this.#stateSentMs = nowMs;
    return !isHeld;
  }

  status(nowMs: number): ByteBudgetStatus {
    const stage = this.#stage(nowMs);
    return { ...this.#limits, stage, leftBytes: Math.round(this.#leftBytes), held: { ...this.#held } };
  }

  #stage(nowMs: number): BudgetStage {
    this.#fill(nowMs);
    const share = this.#leftBytes / this.#limits.burstBytes;
    if (share <= 0) return "states-rarer";
    if (share < EVENT_SHARE) return "events-held";
    return share < TELEMETRY_SHARE ? "telemetry-held" : "within";
  }

  #fill(nowMs: number): void {
    const { bytesPerDay, burstBytes } = this.#limits;
    this.#leftBytes = Math.min(burstBytes, this.#leftBytes + ((nowMs - this.#filledMs) * bytesPerDay) / DAY_MS);
    this.#filledMs = nowMs;
  }
}

/**
 * Reads `20M` or `20M, burst 2M` (bytes a day, and at once): `k`, `M`, `G` are thousands, `Ki`, `Mi`, `Gi` of 1024; the
 * burst is a tenth of the day's when left out. Undefined when the text is none, or too little to register with (100k).
 */
export function parseByteBudget(text: string): ByteBudgetLimits | undefined {
  const [, day = "", dayUnit = "", burst, burstUnit = ""] =
    /^\s*([0-9]{1,9})([kMG]i?|Ki)?\s*(?:,\s*burst\s+([0-9]{1,9})([kMG]i?|Ki)?\s*)?$/.exec(text) ?? [];
  const bytesPerDay = Number(day) * (UNITS[dayUnit] ?? Number.NaN);
  const burstBytes = burst === undefined ? bytesPerDay / 10 : Number(burst) * (UNITS[burstUnit] ?? Number.NaN);
  return bytesPerDay >= 100_000 && burstBytes >= 10_000 ? { bytesPerDay, burstBytes } : undefined;
}

function budgetKind(message: Message): "telemetry" | "event" | "state" | "control" {
  const route = routeOf("up", message);
  if (route?.traffic === "telemetry" || route?.id === "U22") return "telemetry";
  if (route?.id === "U21") return "event";
  // The node itself, its registration and its status, is control: it says how the budget stands.
  const isNode = route?.id === "U4" || route?.id === "U6" || route?.id === "U7";
  return route?.traffic === "outbox" && !isNode ? "state" : "control";
}
