import type { Reader, Transaction } from "@skerry/store";

/** A mapper that has registered; one per protocol, the last one counts (devices.md 7.1). */
export interface MapperRecord {
  readonly protocol: string;
  readonly name: string;
  readonly version: string;
  /** Where its own service listens. */
  readonly socketPath: string;
}

export function readMappers(reader: Reader): MapperRecord[] {
  return reader.all("SELECT * FROM dmi_mapper ORDER BY protocol").map((row) => ({
    protocol: String(row["protocol"]),
    name: String(row["name"]),
    version: String(row["version"]),
    socketPath: String(row["socket_path"]),
  }));
}

export function removeMapper(transaction: Transaction, protocol: string): void {
  transaction.run("DELETE FROM dmi_mapper WHERE protocol = ?", protocol);
  transaction.run("DELETE FROM dmi_delivered WHERE protocol = ?", protocol);
}

/** A mapper that registers starts from nothing: what the one before it was given is forgotten. */
export function writeMapper(transaction: Transaction, mapper: MapperRecord): void {
  transaction.run(
    "INSERT OR REPLACE INTO dmi_mapper (protocol, name, version, socket_path) VALUES (?, ?, ?, ?)",
    mapper.protocol,
    mapper.name,
    mapper.version,
    mapper.socketPath,
  );
  transaction.run("DELETE FROM dmi_delivered WHERE protocol = ?", mapper.protocol);
}

/** Names of what a mapper has been given, in order. */
export function readDeliveredObjects(reader: Reader, protocol: string): string[] {
  return reader
    .all("SELECT object FROM dmi_delivered WHERE protocol = ? ORDER BY object", protocol)
    .map((row) => String(row["object"]));
}

export function readDelivered(reader: Reader, protocol: string, object: string): string | undefined {
  const row = reader.first("SELECT content FROM dmi_delivered WHERE protocol = ? AND object = ?", protocol, object);
  return row === undefined ? undefined : String(row["content"]);
}

/** Remembers what a mapper was given, or with undefined that it no longer has it. */
export function writeDelivered(
  transaction: Transaction,
  protocol: string,
  object: string,
  content: string | undefined,
): void {
  if (content === undefined)
    transaction.run("DELETE FROM dmi_delivered WHERE protocol = ? AND object = ?", protocol, object);
  else
    transaction.run(
      "INSERT OR REPLACE INTO dmi_delivered (protocol, object, content) VALUES (?, ?, ?)",
      protocol,
      object,
      content,
    );
}
