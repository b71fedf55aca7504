import type { ManagedKind } from "./managed-kinds.ts";
import type { SyncRecord } from "./sync-record.ts";

/** The records of all nodes, by node and UID, and by the object's name. */
export class SyncRecords {
  readonly #byNode = new Map<string, Map<string, SyncRecord>>();
  readonly #byName = new Map<string, Set<SyncRecord>>();

  get(nodeName: string, uid: string): SyncRecord | undefined {
    return this.#byNode.get(nodeName)?.get(uid);
  }

  /** Records of a node; safe against changes while they are gone through. */
  of(nodeName: string): readonly SyncRecord[] {
    return [...(this.#byNode.get(nodeName)?.values() ?? [])];
  }

  /** Records of objects of one name: more than one when the object was deleted and created again. */
  named(nodeName: string, kind: ManagedKind, namespace: string, name: string): readonly SyncRecord[] {
    return [...(this.#byName.get(nameKey(nodeName, kind, namespace, name)) ?? [])];
  }

  /** Nodes that have records. */
  nodeNames(): readonly string[] {
    return [...this.#byNode.keys()];
  }

  add(record: SyncRecord): void {
    const records = this.#byNode.get(record.nodeName) ?? new Map<string, SyncRecord>();
    this.#byNode.set(record.nodeName, records.set(record.uid, record));
    const key = nameKey(record.nodeName, record.kind, record.namespace, record.name);
    this.#byName.set(key, (this.#byName.get(key) ?? new Set()).add(record));
  }

  remove(record: SyncRecord): void {
    const records = this.#byNode.get(record.nodeName);
    if (records?.get(record.uid) === record) records.delete(record.uid);
    if (records?.size === 0) this.#byNode.delete(record.nodeName);
    const key = nameKey(record.nodeName, record.kind, record.namespace, record.name);
    const named = this.#byName.get(key);
    named?.delete(record);
    if (named?.size === 0) this.#byName.delete(key);
  }
}

function nameKey(nodeName: string, kind: ManagedKind, namespace: string, name: string): string {
  return `${nodeName} ${kind.type} ${namespace}/${name}`;
}
