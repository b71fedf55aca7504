import { isJsonObject, isSkerryError, type JsonObject, type JsonValue, SkerryError } from "@skerry/base";
import { parseEdgeCoreConfig } from "./edgecore-config.ts";

/** Values by the path of their field, e.g. `modules.edgeStream.enable`; `\.` is a dot within a name. */
export type FieldUpdates = Readonly<Record<string, JsonValue>>;

/** What came of reading the fields of a ConfigUpdateJob. */
export type FieldUpdatesReading =
  | { readonly kind: "usable"; readonly updates: FieldUpdates }
  /** One sentence each. */
  | { readonly kind: "wrong"; readonly findings: readonly string[] };

const FIELD_LIMIT = 100;
const LONGEST_PATH = 500;
const LONGEST_VALUE = 8_192;
/** What a node is, and where it keeps what it knows, nobody changes from afar: it would not know itself again. */
const FIXED = [/^apiversion$/, /^kind$/, /^database(\.|$)/, /^modules\.edged\.hostnameoverride$/, /^spec\.nodeid$/];

/**
 * Reads the fields of a ConfigUpdateJob, which are all texts, for an edgecore.yaml: each gets the type that its field
 * wants. Nothing may be wrong with the file that was not wrong before, and every field must be known.
 */
export function readFieldUpdates(file: JsonValue | undefined, fields: JsonValue | undefined): FieldUpdatesReading {
  const entries = isJsonObject(fields) ? Object.entries(fields) : [];
  if (entries.length === 0) return wrong("updateFields must name at least one field");
  if (entries.length > FIELD_LIMIT) return wrong(`updateFields names more than ${FIELD_LIMIT} fields`);
  const before = new Set(findingsOf(file));
  const updates: Record<string, JsonValue> = {};
  const findings: string[] = [];
  for (const [path, text] of entries) {
    const shown = path.slice(0, 100);
    if (typeof text !== "string" || text.length > LONGEST_VALUE || path.length > LONGEST_PATH)
      findings.push(`${shown} must have a text of at most ${LONGEST_VALUE} characters`);
    else if (segmentsOf(path) === undefined) findings.push(`${shown} is no path of a field`);
    else if (FIXED.some((fixed) => fixed.test(path.toLowerCase())))
      findings.push(`${shown} cannot be changed by a job`);
    else updates[path] = fittingValue(file, before, path, text);
  }
  if (findings.length > 0) return { kind: "wrong", findings };
  const after = newFindings(file, before, updates);
  return after.length > 0 ? { kind: "wrong", findings: after } : { kind: "usable", updates };
}

/**
 * The file with the updates in it; names are matched without regard to case, as they are read.
 * @throws SkerryError `CONFIG_INVALID` where a field lies below something that is no mapping
 */
export function withFieldUpdates(file: JsonValue | undefined, updates: FieldUpdates): JsonValue {
  let next: JsonValue = file ?? {};
  for (const [path, value] of Object.entries(updates)) next = withField(next, segmentsOf(path) ?? [], value, path);
  return next;
}

/** The updates with newer ones, which take the place of those of the same field. */
export function joinFieldUpdates(older: FieldUpdates, newer: FieldUpdates): FieldUpdates {
  const replaced = new Set(Object.keys(newer).map((path) => path.toLowerCase()));
  const kept = Object.entries(older).filter(([path]) => !replaced.has(path.toLowerCase()));
  return { ...Object.fromEntries(kept), ...newer };
}

function withField(file: JsonValue, [first, ...rest]: readonly string[], value: JsonValue, path: string): JsonValue {
  if (first === undefined) return value;
  if (!isJsonObject(file)) throw notBelow(path);
  const name = Object.keys(file).find((known) => known.toLowerCase() === first.toLowerCase()) ?? first;
  const inner = withField(rest.length === 0 ? null : (file[name] ?? {}), rest, value, path);
  return { ...file, [name]: inner };
}

/** Undefined when it is no path. */
function segmentsOf(path: string): string[] | undefined {
  const segments = path.split(/(?<!\\)\./).map((segment) => segment.replaceAll("\\.", "."));
  const isPlain = segments.every((segment) => /^[\w./-]+$/.test(segment) && !/^(__proto__|constructor)$/.test(segment));
  return isPlain ? segments : undefined;
}

/** The value as its field takes it; one that looks like a number may be meant as a text. */
function fittingValue(file: JsonValue | undefined, before: ReadonlySet<string>, path: string, text: string): JsonValue {
  const typed = typedValue(text);
  if (typed === text) return text;
  const wrongTyped = newFindings(file, before, { [path]: typed }).length;
  const wrongText = newFindings(file, before, { [path]: text }).length;
  return wrongText < wrongTyped ? text : typed;
}

/** As KubeEdge reads it: true, false, whole numbers and `{a,b}` for lists; JSON lists and mappings besides. */
function typedValue(text: string): JsonValue {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // Not JSON.
    }
  }
  const list = /^\{([^{}]*)\}$/.exec(text)?.[1];
  if (list === undefined) return text;
  return list === "" ? [] : list.split(",").map((item) => item.trim());
}

function newFindings(file: JsonValue | undefined, before: ReadonlySet<string>, updates: FieldUpdates): string[] {
  try {
    return findingsOf(withFieldUpdates(file, updates)).filter((finding) => !before.has(finding));
  } catch (error) {
    if (isSkerryError(error, "CONFIG_INVALID")) return [error.message];
    throw error;
  }
}

/** All that is wrong or without effect. */
function findingsOf(file: JsonValue | undefined): readonly string[] {
  try {
    return parseEdgeCoreConfig(file).warnings;
  } catch (error) {
    if (!isSkerryError(error, "CONFIG_INVALID")) throw error;
    const { errors } = error.details;
    return Array.isArray(errors) ? errors.map(String) : [error.message];
  }
}

function wrong(finding: string): FieldUpdatesReading {
  return { kind: "wrong", findings: [finding] };
}

function notBelow(path: string): SkerryError {
  return new SkerryError({
    code: "CONFIG_INVALID",
    message: `The field ${path.slice(0, 100)} lies below something that is no mapping`,
    advice: "Correct the path; `edgecore --defaultconfig` prints all fields.",
    details: { field: path.slice(0, 100) } satisfies JsonObject,
  });
}
