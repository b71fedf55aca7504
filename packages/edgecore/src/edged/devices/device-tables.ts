import { fromBase64, toBase64 } from "@skerry/base";
import type { Migration, Reader, Row, Transaction } from "@skerry/store";

/** Which devices containers have, so that a restart needs neither the cloud nor the plugin; and what plugins offered. */
export const deviceTables: Migration = `
  CREATE TABLE edged_device_resource (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE edged_device (
    pod_uid TEXT NOT NULL,
    container TEXT NOT NULL,
    resource TEXT NOT NULL,
    -- their ids, a JSON list
    devices TEXT NOT NULL,
    -- the plugin's ContainerAllocateResponse, base64
    answer TEXT NOT NULL,
    PRIMARY KEY (pod_uid, container, resource)
  ) WITHOUT ROWID`;

/** The devices of one resource that a container has. */
export interface Assignment {
  readonly podUid: string;
  readonly container: string;
  readonly devices: readonly string[];
}

/** What a container has of one resource. */
export interface Held {
  readonly devices: readonly string[];
  /** What the plugin said of how to give them to the container: an encoded ContainerAllocateResponse. */
  readonly answer: Uint8Array;
}

/** Resources that device plugins have offered on this node and that are not forgotten, or that containers have. */
export function knownResources(reader: Reader): string[] {
  return reader
    .all("SELECT name FROM edged_device_resource UNION SELECT resource FROM edged_device ORDER BY 1")
    .map((row) => String(row["name"]));
}

export function rememberResource(transaction: Transaction, name: string): void {
  transaction.run("INSERT OR IGNORE INTO edged_device_resource (name) VALUES (?)", name);
}

export function forgetResource(transaction: Transaction, name: string): void {
  transaction.run("DELETE FROM edged_device_resource WHERE name = ?", name);
}

/** Who has devices of the resource. */
export function assignmentsOf(reader: Reader, resource: string): Assignment[] {
  const rows = reader.all(
    "SELECT pod_uid, container, devices FROM edged_device WHERE resource = ? ORDER BY pod_uid, container",
    resource,
  );
  return rows.map((row) => ({
    podUid: String(row["pod_uid"]),
    container: String(row["container"]),
    devices: devicesIn(row),
  }));
}

/** The container's own devices of the resource; undefined when it has none. */
export function heldDevices(reader: Reader, resource: string, podUid: string, container: string): Held | undefined {
  const row = reader.first(
    "SELECT devices, answer FROM edged_device WHERE pod_uid = ? AND container = ? AND resource = ?",
    ...[podUid, container, resource],
  );
  return row && { devices: devicesIn(row), answer: fromBase64(String(row["answer"])) };
}

export function assign(
  transaction: Transaction,
  resource: string,
  { podUid, container }: Pick<Assignment, "podUid" | "container">,
  { devices, answer }: Held,
): void {
  transaction.run(
    "INSERT OR REPLACE INTO edged_device (pod_uid, container, resource, devices, answer) VALUES (?, ?, ?, ?, ?)",
    podUid,
    container,
    resource,
    JSON.stringify(devices),
    toBase64(answer),
  );
}

/** The pod is gone: others may have its devices. */
export function releaseDevices(transaction: Transaction, podUid: string): void {
  transaction.run("DELETE FROM edged_device WHERE pod_uid = ?", podUid);
}

function devicesIn(row: Row): string[] {
  return JSON.parse(String(row["devices"])) as string[];
}
