import type { KubernetesObject } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { compareResourceVersions, isResourceVersion } from "@skerry/kube";
import type { Reader, Row, Transaction } from "@skerry/store";
import { type ApiResource, resourceText } from "./api-path.ts";
import { type Scope, scopePredicate } from "./scope.ts";

// The stored objects: tables `api_object`, `api_deletion` and `api_scope`. Every change runs in the caller's transaction.

/** A change of a stored object. */
export interface StoredChange {
  readonly resource: ApiResource;
  /** The object as it was; undefined when it is new. */
  readonly before: KubernetesObject | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Of the text that was stored; 0 for a deletion. */
  readonly length: number;
}

/** A list as it was when it was last complete. */
export interface KnownScope {
  readonly scope: Scope;
  /** Kind of the objects. */
  readonly kind: string;
  /** Since this version deletions have been noticed. */
  readonly firstVersion: string;
  readonly version: string;
  readonly listedMs: number;
}

/** A whole answer to a list. */
export interface ListAnswer {
  readonly kind: string;
  readonly version: string;
  readonly items: readonly KubernetesObject[];
  /** Of its text. */
  readonly length: number;
}

/** Deletions that are kept for watches that begin later. */
const DELETION_LIMIT = 500;

export function readObject(
  reader: Reader,
  resource: ApiResource,
  namespace: string,
  name: string,
): KubernetesObject | undefined {
  return objectOf(
    reader.first(
      "SELECT value FROM api_object WHERE resource = ? AND namespace = ? AND name = ?",
      resourceText(resource),
      namespace,
      name,
    ),
  );
}

/** All stored objects of a kind; with an empty namespace those of all. */
export function readObjects(reader: Reader, resource: ApiResource, namespace: string): KubernetesObject[] {
  const rows =
    namespace === ""
      ? reader.all("SELECT value FROM api_object WHERE resource = ? ORDER BY namespace, name", resourceText(resource))
      : reader.all(
          "SELECT value FROM api_object WHERE resource = ? AND namespace = ? ORDER BY name",
          resourceText(resource),
          namespace,
        );
  return rows.flatMap((row) => objectOf(row) ?? []);
}

/** Stores an object unless what is known of it is as new; the version of an object never goes back. */
export function storeObject(transaction: Transaction, resource: ApiResource, object: KubernetesObject): StoredChange[] {
  const { namespace = "", name, uid = "" } = object.metadata;
  const before = readObject(transaction, resource, namespace, name);
  const version = versionOf(object);
  if (before && compareResourceVersions(version, versionOf(before)) <= 0) return [];
  const deleted = transaction.first(
    "SELECT version FROM api_deletion WHERE resource = ? AND uid = ?",
    resourceText(resource),
    uid,
  );
  if (deleted && compareResourceVersions(version, String(deleted["version"])) <= 0) return [];
  const text = JSON.stringify(object);
  transaction.run(
    `INSERT INTO api_object (resource, namespace, name, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (resource, namespace, name) DO UPDATE SET value = excluded.value`,
    resourceText(resource),
    namespace,
    name,
    text,
  );
  return [{ resource, before, namespace, name, length: text.length }];
}

/** Deletes the object, if it is still that one, and remembers it. `version` is that of the deletion. */
export function removeObject(
  transaction: Transaction,
  resource: ApiResource,
  object: KubernetesObject,
  version: string,
): StoredChange[] {
  const { namespace = "", name, uid = "" } = object.metadata;
  const before = readObject(transaction, resource, namespace, name);
  transaction.run("DELETE FROM api_deletion WHERE resource = ? AND uid = ?", resourceText(resource), uid);
  transaction.run(
    "INSERT INTO api_deletion (resource, uid, version, value) VALUES (?, ?, ?, ?)",
    resourceText(resource),
    uid,
    version,
    JSON.stringify(object),
  );
  transaction.run(
    "DELETE FROM api_deletion WHERE sequence <= (SELECT MAX(sequence) FROM api_deletion) - ?",
    DELETION_LIMIT,
  );
  if (before?.metadata.uid !== uid || compareResourceVersions(versionOf(before), version) > 0) return [];
  forgetObject(transaction, resource, before);
  return [{ resource, before: withVersion(before, version), namespace, name, length: 0 }];
}

/** The object as of another version. */
export function withVersion(object: KubernetesObject, resourceVersion: string): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

/** Drops an object without remembering a deletion. */
export function forgetObject(
  transaction: Transaction,
  resource: ApiResource,
  before: KubernetesObject,
): StoredChange[] {
  const { namespace = "", name } = before.metadata;
  transaction.run(
    "DELETE FROM api_object WHERE resource = ? AND namespace = ? AND name = ?",
    resourceText(resource),
    namespace,
    name,
  );
  return [{ resource, before, namespace, name, length: 0 }];
}

/** Takes over a complete list: what is stored of its scope, is no newer than it and not in it, is gone. */
export function storeList(transaction: Transaction, scope: Scope, answer: ListAnswer, nowMs: number): StoredChange[] {
  const { resource } = scope;
  const isInScope = scopePredicate(scope);
  const listed = new Set(answer.items.map(({ metadata }) => metadata.uid));
  const gone = readObjects(transaction, resource, scope.namespace).filter(
    (object) =>
      isInScope(object) &&
      !listed.has(object.metadata.uid) &&
      compareResourceVersions(versionOf(object), answer.version) <= 0,
  );
  const changes = [
    ...gone.flatMap((object) => removeObject(transaction, resource, object, answer.version)),
    ...answer.items.flatMap((object) => storeObject(transaction, resource, object)),
  ];
  transaction.run(
    `INSERT INTO api_scope (resource, namespace, label_selector, field_selector, kind, first_version, version, listed_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (resource, namespace, label_selector, field_selector)
     DO UPDATE SET kind = excluded.kind, version = excluded.version, listed_ms = excluded.listed_ms`,
    resourceText(resource),
    scope.namespace,
    scope.labelSelector,
    scope.fieldSelector,
    answer.kind,
    answer.version,
    answer.version,
    nowMs,
  );
  return changes;
}

/** All lists of a kind that have been complete once. */
export function readScopes(reader: Reader, resource: ApiResource): KnownScope[] {
  return reader.all("SELECT * FROM api_scope WHERE resource = ?", resourceText(resource)).map((row) => ({
    scope: {
      resource,
      namespace: String(row["namespace"]),
      labelSelector: String(row["label_selector"]),
      fieldSelector: String(row["field_selector"]),
    },
    kind: String(row["kind"]),
    firstVersion: String(row["first_version"]),
    version: String(row["version"]),
    listedMs: Number(row["listed_ms"]),
  }));
}

/** Remembered deletions of a kind, oldest first, as the object was, with the version of its deletion. */
export function readDeletions(reader: Reader, resource: ApiResource): { object: KubernetesObject; version: string }[] {
  return reader
    .all("SELECT version, value FROM api_deletion WHERE resource = ? ORDER BY sequence", resourceText(resource))
    .flatMap((row) => {
      const object = objectOf(row);
      return object ? [{ object, version: String(row["version"]) }] : [];
    });
}

/** Deletions of versions before this one may be forgotten, because there were too many; undefined: none are. */
export function deletionFloor(reader: Reader): string | undefined {
  const row = reader.first("SELECT sequence, version FROM api_deletion ORDER BY sequence LIMIT 1");
  return row && Number(row["sequence"]) > 1 ? String(row["version"]) : undefined;
}

/** Drops all that is known of a kind. */
export function forgetResource(transaction: Transaction, resource: string): void {
  for (const table of ["api_object", "api_deletion", "api_scope"])
    transaction.run(`DELETE FROM ${table} WHERE resource = ?`, resource);
}

/** The object's version; `0`, older than all, where it has none that can be ordered. */
export function versionOf(object: KubernetesObject): string {
  const version = object.metadata.resourceVersion ?? "";
  return isResourceVersion(version) ? version : "0";
}

function objectOf(row: Row | undefined): KubernetesObject | undefined {
  const value = row?.["value"];
  if (typeof value !== "string") return undefined;
  const object: unknown = JSON.parse(value);
  // Rows are written by `storeObject` and `removeObject` only.
  return isJsonObject(object) && isJsonObject(object["metadata"]) ? (object as unknown as KubernetesObject) : undefined;
}
