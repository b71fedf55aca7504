import type { Reader, Row, SqlValue, Transaction } from "@skerry/store";
import type { DeviceState } from "./device-state.ts";
import type { Twin, TwinProperty, TwinValue, TwinVersion } from "./twin-property.ts";

/** A device of this node, without its twin. */
export interface DeviceRecord extends DeviceState {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** UID of the Device; "" while only the membership is known. */
  readonly uid: string;
}

export function readDevice(reader: Reader, id: string): DeviceRecord | undefined {
  const row = reader.first("SELECT * FROM twin_device WHERE id = ?", id);
  return row === undefined ? undefined : toDevice(row);
}

/** All devices in id order. */
export function readDevices(reader: Reader): DeviceRecord[] {
  return reader.all("SELECT * FROM twin_device ORDER BY id").map(toDevice);
}

export function countDevices(reader: Reader): number {
  return Number(reader.first("SELECT count(*) AS count FROM twin_device")?.["count"] ?? 0);
}

export function writeDevice(transaction: Transaction, device: DeviceRecord): void {
  transaction.run(
    "INSERT OR REPLACE INTO twin_device (id, name, description, uid, state, last_online) VALUES (?, ?, ?, ?, ?, ?)",
    device.id,
    device.name,
    device.description,
    device.uid,
    device.state,
    device.lastOnline,
  );
}

/** Removes the device and its twin. */
export function deleteDevice(transaction: Transaction, id: string): void {
  transaction.run("DELETE FROM twin_property WHERE device_id = ?", id);
  transaction.run("DELETE FROM twin_device WHERE id = ?", id);
}

/** The twin of a device, deleted properties included. */
export function readTwin(reader: Reader, deviceId: string): Twin {
  const rows = reader.all("SELECT * FROM twin_property WHERE device_id = ? ORDER BY name", deviceId);
  return new Map(rows.map((row) => [String(row["name"]), toProperty(row)]));
}

/** Ids of devices with an expected value that the actual one does not equal as text, in id order. */
export function readDeviceIdsWithDifferences(reader: Reader): string[] {
  return reader
    .all(
      "SELECT DISTINCT device_id FROM twin_property WHERE expected IS NOT NULL AND expected IS NOT actual ORDER BY device_id",
    )
    .map((row) => String(row["device_id"]));
}

/** Ids of the devices with something that the cloud does not know yet, in id order. */
export function readUnreportedDevices(reader: Reader): string[] {
  return reader
    .all("SELECT DISTINCT device_id FROM twin_property WHERE unreported = 1 ORDER BY device_id")
    .map((row) => String(row["device_id"]));
}

/** The properties of a device that the cloud does not know yet as they are, in name order. */
export function readUnreported(reader: Reader, deviceId: string): TwinProperty[] {
  return reader
    .all("SELECT * FROM twin_property WHERE device_id = ? AND unreported = 1 ORDER BY name", deviceId)
    .map(toProperty);
}

/** The cloud knows the property as it is here; one that has changed since stays unreported. */
export function markReported(transaction: Transaction, deviceId: string, property: TwinProperty): void {
  transaction.run(
    `UPDATE twin_property SET unreported = 0 WHERE device_id = ? AND name = ?
       AND expected_cloud IS ? AND expected_edge IS ? AND actual_cloud IS ? AND actual_edge IS ? AND effect IS ?`,
    deviceId,
    property.name,
    property.expectedVersion?.cloud ?? null,
    property.expectedVersion?.edge ?? null,
    property.actualVersion?.cloud ?? null,
    property.actualVersion?.edge ?? null,
    property.effect,
  );
}

/**
 * What was given to devices and not answered may have taken effect or not: nobody can say after a crash. Of one device, or
 * of all.
 */
export function forgetSentEffects(transaction: Transaction, deviceId?: string): number {
  const ofDevice = deviceId === undefined ? "" : "AND device_id = ?";
  return transaction.run(
    `UPDATE twin_property SET effect = 'unknown', unreported = 1 WHERE effect = 'sent' ${ofDevice}`,
    ...(deviceId === undefined ? [] : [deviceId]),
  );
}

/** Whether something was given to the device, or to any, and not answered. */
export function hasSentEffects(reader: Reader, deviceId?: string): boolean {
  const sql = "SELECT 1 AS found FROM twin_property WHERE effect = 'sent'";
  if (deviceId === undefined) return reader.first(`${sql} LIMIT 1`) !== undefined;
  return reader.first(`${sql} AND device_id = ? LIMIT 1`, deviceId) !== undefined;
}

/** Ids of the devices with something to be done at most once that has not been begun, in id order. */
export function readPendingEffects(reader: Reader): string[] {
  return reader
    .all("SELECT DISTINCT device_id FROM twin_property WHERE effect = 'pending' ORDER BY device_id")
    .map((row) => String(row["device_id"]));
}

/** Stores a property together with the note that the cloud does not know it yet. */
export function writeProperty(transaction: Transaction, deviceId: string, property: TwinProperty): void {
  transaction.run(
    `INSERT OR REPLACE INTO twin_property (device_id, name, type, optional, expected, expected_ms, actual, actual_ms,
       expected_cloud, expected_edge, actual_cloud, actual_edge, adopted_desired, expected_owner, effect, replaced,
       unreported)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    deviceId,
    property.name,
    property.type,
    property.optional ? 1 : 0,
    property.expected?.value ?? null,
    property.expected?.timestampMs ?? null,
    property.actual?.value ?? null,
    property.actual?.timestampMs ?? null,
    property.expectedVersion?.cloud ?? null,
    property.expectedVersion?.edge ?? null,
    property.actualVersion?.cloud ?? null,
    property.actualVersion?.edge ?? null,
    property.adoptedDesired,
    property.expectedOwner,
    property.effect,
    property.replaced,
  );
}

function toDevice(row: Row): DeviceRecord {
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    description: String(row["description"]),
    uid: String(row["uid"]),
    state: String(row["state"]),
    lastOnline: String(row["last_online"]),
  };
}

function toProperty(row: Row): TwinProperty {
  return {
    name: String(row["name"]),
    type: String(row["type"]) as TwinProperty["type"], // Only writeProperty writes it.
    optional: row["optional"] === 1,
    expected: toValue(row["expected"], row["expected_ms"]),
    actual: toValue(row["actual"], row["actual_ms"]),
    expectedVersion: toVersion(row["expected_cloud"], row["expected_edge"]),
    actualVersion: toVersion(row["actual_cloud"], row["actual_edge"]),
    adoptedDesired: typeof row["adopted_desired"] === "string" ? row["adopted_desired"] : null,
    expectedOwner: (row["expected_owner"] ?? null) as TwinProperty["expectedOwner"],
    effect: (row["effect"] ?? null) as TwinProperty["effect"],
    replaced: typeof row["replaced"] === "string" ? row["replaced"] : null,
  };
}

function toValue(value: SqlValue | undefined, timestampMs: SqlValue | undefined): TwinValue | null {
  return typeof value === "string" ? { value, timestampMs: Number(timestampMs ?? 0) } : null;
}

function toVersion(cloud: SqlValue | undefined, edge: SqlValue | undefined): TwinVersion | null {
  return cloud === null || cloud === undefined ? null : { cloud: Number(cloud), edge: Number(edge ?? 0) };
}
