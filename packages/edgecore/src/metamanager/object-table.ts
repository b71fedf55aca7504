import type { KubernetesObject } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { compareResourceVersions, isResourceVersion } from "@skerry/kube";
import type { Reader, Row, Transaction } from "@skerry/store";
import { judgeArrival, type ObjectVersion } from "./arrival.ts";
import type { ObjectChange, ObjectKey } from "./meta-store.ts";
import { formatKey } from "./object-key.ts";

// The stored objects: tables `meta` and `tombstone`. Every change runs in the caller's transaction.

/** Deletions that are remembered; beyond it the oldest is forgotten. */
const TOMBSTONE_LIMIT = 5000;

/** The stored object of that key. */
export function readObject(reader: Reader, key: ObjectKey): KubernetesObject | undefined {
  return objectOf(reader.first("SELECT value FROM meta WHERE key = ?", formatKey(key)));
}

/** All objects of a type in key order. Rows that hold no object (an error body that KubeEdge stored) are left out. */
export function readObjects(reader: Reader, type: string): KubernetesObject[] {
  return reader.all("SELECT value FROM meta WHERE type = ? ORDER BY key", type).flatMap((row) => objectOf(row) ?? []);
}

/** Takes an object from the cloud if it is news; returns what changed, in order. */
export function storeObject(transaction: Transaction, key: ObjectKey, object: KubernetesObject): ObjectChange[] {
  const stored = readObject(transaction, key);
  const version = versionOf(object);
  const verdict = judgeArrival(key.type, version, stored && versionOf(stored), tombstone(transaction, version.uid));
  if (verdict === "ignore") return [];
  const changes: ObjectChange[] = [];
  if (verdict === "replace" && stored) {
    bury(transaction, key.type, versionOf(stored));
    changes.push({ kind: "deleted", key, object: stored });
  }
  transaction.run("DELETE FROM tombstone WHERE uid = ?", version.uid);
  put(transaction, key, object);
  changes.push({ kind: "stored", key, object });
  return changes;
}

/** Brings an object that is stored up to date from an answer; never stores one anew. */
export function refreshObject(transaction: Transaction, key: ObjectKey, object: KubernetesObject): ObjectChange[] {
  const stored = readObject(transaction, key);
  if (!stored || versionOf(stored).uid !== versionOf(object).uid) return [];
  return storeObject(transaction, key, object);
}

/**
 * Deletes the object with that UID and remembers the deletion. An object of the same name with another UID stays.
 * `resourceVersion` is that of the deletion, where known.
 */
export function removeObject(transaction: Transaction, key: ObjectKey, deleted: ObjectVersion): ObjectChange[] {
  const stored = readObject(transaction, key);
  if (stored?.metadata.uid !== deleted.uid) {
    bury(transaction, key.type, deleted);
    return [];
  }
  const resourceVersion = deleted.resourceVersion || versionOf(stored).resourceVersion;
  bury(transaction, key.type, { uid: deleted.uid, resourceVersion });
  transaction.run("DELETE FROM meta WHERE key = ?", formatKey(key));
  return [{ kind: "deleted", key, object: stored }];
}

/**
 * The cluster's history is another one: no version of the old one may keep the new one's objects away, and what was
 * deleted in the old one may exist. The objects stay and count as older than any that comes.
 */
export function forgetVersions(transaction: Transaction): void {
  transaction.run("DELETE FROM tombstone");
  for (const row of transaction.all("SELECT key, value FROM meta ORDER BY key")) {
    const object = objectOf(row);
    if (!object) continue;
    const aged = { ...object, metadata: { ...object.metadata, resourceVersion: "0" } };
    transaction.run("UPDATE meta SET value = ? WHERE key = ?", JSON.stringify(aged), String(row["key"]));
  }
}

/** Versions of the deletions of a type that are remembered. */
export function deletionVersions(reader: Reader, type: string): string[] {
  return reader
    .all("SELECT resource_version FROM tombstone WHERE type = ?", type)
    .map((row) => String(row["resource_version"]));
}

/** UID and version of an object; empty where it has none. */
export function versionOf(object: KubernetesObject): ObjectVersion {
  return { uid: object.metadata.uid ?? "", resourceVersion: object.metadata.resourceVersion ?? "" };
}

function put(transaction: Transaction, key: ObjectKey, object: KubernetesObject): void {
  transaction.run(
    "INSERT INTO meta (key, type, value) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET type = excluded.type, value = excluded.value",
    formatKey(key),
    key.type,
    JSON.stringify(object),
  );
}

function tombstone(reader: Reader, uid: string): ObjectVersion | undefined {
  const row = reader.first("SELECT resource_version FROM tombstone WHERE uid = ?", uid);
  return row && { uid, resourceVersion: String(row["resource_version"]) };
}

function bury(transaction: Transaction, type: string, { uid, resourceVersion }: ObjectVersion): void {
  transaction.run(
    `INSERT INTO tombstone (uid, sequence, resource_version, type)
     VALUES (?, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM tombstone), ?, ?)
     ON CONFLICT (uid) DO UPDATE SET sequence = excluded.sequence, resource_version = excluded.resource_version`,
    uid,
    newerOf(resourceVersion, tombstone(transaction, uid)?.resourceVersion ?? ""),
    type,
  );
  transaction.run("DELETE FROM tombstone WHERE sequence <= (SELECT MAX(sequence) FROM tombstone) - ?", TOMBSTONE_LIMIT);
}

/** A deletion that comes again, without a version or with an older one, takes nothing from what is known. */
function newerOf(version: string, known: string): string {
  if (!isResourceVersion(version)) return known || version;
  return isResourceVersion(known) && compareResourceVersions(version, known) < 0 ? known : version;
}

function objectOf(row: Row | undefined): KubernetesObject | undefined {
  const value = row?.["value"];
  if (typeof value !== "string") return undefined;
  try {
    const object: unknown = JSON.parse(value);
    if (!isJsonObject(object) || !isJsonObject(object["metadata"])) return undefined;
    if (typeof object["metadata"]["uid"] !== "string") return undefined;
    // Rows are written by `put` above, or by KubeEdge with the same content.
    return object as unknown as KubernetesObject;
  } catch {
    return undefined;
  }
}
