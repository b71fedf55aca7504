import type { DeviceReportedState, DeviceTwinStatus, TwinValue } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ApiError, failureStatus } from "@skerry/kube";

/** What a node reports of a device; only what has changed. */
export interface DeviceReport {
  readonly twins?: readonly DeviceTwinStatus[];
  readonly state?: string;
  readonly lastOnlineTime?: string;
}

/** Properties in one report at most. */
const PROPERTY_LIMIT = 1_000;

/**
 * Reads a twin report (wire.md U27): `actual` is the reported value, `expected` the desired one that the edge has seen.
 * @throws ApiError `KUBE_BAD_REQUEST`
 */
export function readTwinReport(content: JsonValue): DeviceReport {
  const twin = contentObject(content)["twin"];
  if (!isJsonObject(twin)) throw badReport("a twin report has no member twin");
  const properties = Object.entries(twin);
  if (properties.length > PROPERTY_LIMIT) throw badReport(`a twin report names more than ${PROPERTY_LIMIT} properties`);
  const twins: DeviceTwinStatus[] = [];
  for (const [propertyName, property] of properties) {
    if (!isJsonObject(property)) continue;
    const metadata = property["metadata"];
    const type = isJsonObject(metadata) ? metadata["type"] : undefined;
    const reported = readValue(property["actual"], type);
    const observedDesired = withOwner(readValue(property["expected"], type), property);
    if (reported || observedDesired)
      twins.push({ propertyName, ...(reported ? { reported } : {}), ...(observedDesired ? { observedDesired } : {}) });
  }
  return { twins };
}

/**
 * Reads a state report (wire.md U26).
 * @throws ApiError `KUBE_BAD_REQUEST`
 */
export function readStateReport(content: JsonValue): DeviceReport {
  const device = contentObject(content)["device"];
  if (!isJsonObject(device)) throw badReport("a state report has no member device");
  const { state, lastOnlineTime } = device;
  if (typeof state !== "string") throw badReport("a state report has no state");
  return {
    state,
    ...(typeof lastOnlineTime === "string" && lastOnlineTime !== "" ? { lastOnlineTime } : {}),
  };
}

/** Two reports as one: of each value the newer. */
export function mergeReports(older: DeviceReport, newer: DeviceReport): DeviceReport {
  return {
    ...older,
    ...newer,
    ...(older.twins || newer.twins ? { twins: mergeTwins(older.twins ?? [], newer.twins ?? []) } : {}),
  };
}

/** The device's state after the report. Twins of properties that the device no longer has are left out. */
export function applyReport(
  stored: DeviceReportedState,
  report: DeviceReport,
  hasProperty: (name: string) => boolean,
): DeviceReportedState {
  const twins = mergeTwins(stored.twins ?? [], report.twins ?? []).filter((twin) =>
    hasProperty(twin.propertyName ?? ""),
  );
  const state = report.state ?? stored.state;
  const lastOnlineTime = report.lastOnlineTime ?? stored.lastOnlineTime;
  return {
    ...(stored.twins || twins.length > 0 ? { twins } : {}),
    ...(state === undefined ? {} : { state }),
    ...(lastOnlineTime === undefined ? {} : { lastOnlineTime }),
  };
}

function mergeTwins(older: readonly DeviceTwinStatus[], newer: readonly DeviceTwinStatus[]): DeviceTwinStatus[] {
  const merged = new Map(older.map((twin) => [twin.propertyName ?? "", twin]));
  for (const twin of newer) {
    const name = twin.propertyName ?? "";
    merged.set(name, { ...merged.get(name), ...twin });
  }
  return [...merged.values()];
}

function readValue(value: JsonValue | undefined, type: JsonValue | undefined): TwinValue | undefined {
  if (!isJsonObject(value)) return undefined;
  const text = value["value"];
  if (typeof text !== "string" && typeof text !== "number" && typeof text !== "boolean") return undefined;
  const metadata = value["metadata"];
  const timestamp = isJsonObject(metadata) ? metadata["timestamp"] : undefined;
  const stored: Record<string, string> = {
    ...(typeof timestamp === "number" ? { timestamp: String(timestamp) } : {}),
    ...(typeof type === "string" ? { type } : {}),
  };
  return { value: String(text), ...(Object.keys(stored).length > 0 ? { metadata: stored } : {}) };
}

const OWNERS: ReadonlySet<JsonValue | undefined> = new Set(["cloud", "edge"]);
const EFFECTS: ReadonlySet<JsonValue | undefined> = new Set(["pending", "sent", "unknown", "done"]);

/**
 * Who has set a desired value, in which version of each side, what has become of it, and which value of the edge's it has
 * replaced: what Skerry's edges tell.
 */
function withOwner(value: TwinValue | undefined, property: JsonObject): TwinValue | undefined {
  const { expected, expected_version: version } = property;
  const metadata = isJsonObject(expected) ? expected["metadata"] : undefined;
  if (value === undefined || !isJsonObject(metadata) || !OWNERS.has(metadata["owner"])) return value;
  const { owner, effect, replaced } = metadata;
  const told: Record<string, string> = {
    owner: String(owner),
    ...(isJsonObject(version) ? { version: `${version["cloud"]}/${version["edge"]}` } : {}),
    ...(EFFECTS.has(effect) ? { effect: String(effect) } : {}),
    ...(typeof replaced === "string" ? { replaced } : {}),
  };
  return { ...value, metadata: { ...value.metadata, ...told } };
}

/** State reports are JSON text, twin reports objects; either is taken for both. */
function contentObject(content: JsonValue): JsonObject {
  let value: JsonValue = content;
  if (typeof content === "string") {
    try {
      value = JSON.parse(content) as JsonValue;
    } catch {
      throw badReport("a device report is not valid JSON");
    }
  }
  if (!isJsonObject(value)) throw badReport("a device report is not a JSON object");
  return value;
}

function badReport(what: string): ApiError {
  return new ApiError(failureStatus(400, "BadRequest", what));
}
