import type { TwinType } from "./value-type.ts";

/** How often each side has changed a value (devices.md 6.3). Never goes back. */
export interface TwinVersion {
  readonly cloud: number;
  readonly edge: number;
}

/** One side of a property: what is wanted, or what is. */
export interface TwinValue {
  readonly value: string;
  /** When DeviceTwin took it, wall clock in milliseconds. */
  readonly timestampMs: number;
}

/** One property of a device as the edge keeps it (devices.md 4.3). */
export interface TwinProperty {
  readonly name: string;
  /** `deleted` keeps only the versions, so that they go on when the property comes back. */
  readonly type: TwinType | "deleted";
  /** Whether a client at the edge may remove it. */
  readonly optional: boolean;
  readonly expected: TwinValue | null;
  readonly actual: TwinValue | null;
  readonly expectedVersion: TwinVersion | null;
  readonly actualVersion: TwinVersion | null;
  /** The Device's desired value that was last taken over into `expected`; null when it has none. */
  readonly adoptedDesired: string | null;
  /** Who set the expected value; null when there is none. The actual one is always the device's own. */
  readonly expectedOwner: "cloud" | "edge" | null;
  /** How far the expected value has come, where it may take effect at most once; else null. */
  readonly effect: EffectState | null;
  /** What a client at the edge wanted when the Device's desired value took its place; else null. */
  readonly replaced: string | null;
}

/**
 * `pending`: not given to the device yet. `sent`: given, not answered. `unknown`: given, and nobody can say any more
 * whether it took effect. `done`: the device has reported the expected value.
 */
export type EffectState = "pending" | "sent" | "unknown" | "done";

/** The twin of one device, by property name. */
export type Twin = ReadonlyMap<string, TwinProperty>;

/** What happened to one property in one step. */
export interface PropertyChange {
  /** Null when the property is new (or came back). */
  readonly before: TwinProperty | null;
  readonly after: TwinProperty;
  /** Which sides the step was about; an answer names only these. */
  readonly sides: { readonly expected: boolean; readonly actual: boolean };
}

/** The properties of a twin that are not deleted, in name order. */
export function liveProperties(twin: Twin): TwinProperty[] {
  return [...twin.values()]
    .filter((property) => property.type !== "deleted")
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The twin after the changes. */
export function withChanges(twin: Twin, changes: readonly PropertyChange[]): Twin {
  const result = new Map(twin);
  for (const { after } of changes) result.set(after.name, after);
  return result;
}
