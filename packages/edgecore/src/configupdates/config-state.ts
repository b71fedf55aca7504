import { type FieldUpdates, joinFieldUpdates } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** What jobs have changed of a node's configuration, kept beside its file, which stays as it is. */
export interface ConfigState {
  /** In effect. */
  readonly updates: FieldUpdates;
  /** An update that has to prove itself: the node must come back and connect with it. */
  readonly trial?: ConfigTrial;
  /** What became of the last update. */
  readonly outcome?: ConfigOutcome;
}

export interface ConfigTrial {
  /** The job's id. */
  readonly job: string;
  /** What was in effect before. */
  readonly previous: FieldUpdates;
  /** So long the node may take to connect after its start. */
  readonly seconds: number;
  /** How often EdgeCore was started with it. */
  readonly starts: number;
}

export interface ConfigOutcome {
  readonly job: string;
  /** Why it was taken back; left out: it is kept. */
  readonly failure?: string;
}

export const NO_CONFIG_STATE: ConfigState = { updates: {} };

/** A start that fails is tried again by whoever watches over EdgeCore; so often, then the update is taken back. */
const START_LIMIT = 3;

/** An update is to be tried. */
export function beginTrial(state: ConfigState, job: string, updates: FieldUpdates, seconds: number): ConfigState {
  const trial = { job, previous: state.updates, seconds, starts: 0 };
  return { updates: joinFieldUpdates(state.updates, updates), trial };
}

/** EdgeCore starts; too many starts end a trial. */
export function countStart(state: ConfigState): ConfigState {
  const { trial } = state;
  if (!trial) return state;
  if (trial.starts >= START_LIMIT) return failTrial(state, `EdgeCore did not stay up in ${START_LIMIT} starts with it`);
  return { ...state, trial: { ...trial, starts: trial.starts + 1 } };
}

/** The node is back and connected. */
export function keepTrial({ updates, trial }: ConfigState): ConfigState {
  return { updates, ...(trial ? { outcome: { job: trial.job } } : {}) };
}

/** What was in effect before is again. */
export function failTrial(state: ConfigState, failure: string): ConfigState {
  const { trial } = state;
  return trial ? { updates: trial.previous, outcome: { job: trial.job, failure } } : state;
}

/** Undefined when the text is no state. */
export function readConfigState(text: string): ConfigState | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(parsed) || !isJsonObject(parsed["updates"])) return undefined;
  const trial = readTrial(parsed["trial"]);
  const outcome = readOutcome(parsed["outcome"]);
  return {
    updates: parsed["updates"] as FieldUpdates,
    ...(trial ? { trial } : {}),
    ...(outcome ? { outcome } : {}),
  };
}

function readTrial(value: JsonValue | undefined): ConfigTrial | undefined {
  if (!isJsonObject(value)) return undefined;
  const { job, previous, seconds, starts } = value;
  if (typeof job !== "string" || !isJsonObject(previous)) return undefined;
  if (typeof seconds !== "number" || typeof starts !== "number") return undefined;
  return { job, previous: previous as JsonObject & FieldUpdates, seconds, starts };
}

function readOutcome(value: JsonValue | undefined): ConfigOutcome | undefined {
  if (!isJsonObject(value) || typeof value["job"] !== "string") return undefined;
  const { job, failure } = value;
  return { job, ...(typeof failure === "string" ? { failure } : {}) };
}
