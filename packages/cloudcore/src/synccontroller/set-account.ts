import { digestOf, isSameDigest, type SetDigest, type SetEntry } from "@skerry/link";
import type { DesiredObjects } from "./desired-objects.ts";
import { type ManagedKind, managedKinds } from "./managed-kinds.ts";
import type { RecordStore } from "./record-store.ts";
import { newSyncRecord, type SyncRecord } from "./sync-record.ts";

/** Types of the objects that nodes hold. */
export const SET_TYPES: readonly string[] = managedKinds.map(({ type }) => type);

/** What one node is known to hold, compared with what it says. */
export class SetAccount {
  readonly #nodeName: string;
  readonly #store: RecordStore;
  readonly #desired: DesiredObjects;

  constructor(nodeName: string, store: RecordStore, desired: DesiredObjects) {
    this.#nodeName = nodeName;
    this.#store = store;
    this.#desired = desired;
  }

  /** Digests of what the node is known to hold now. */
  heldDigests(): ReadonlyMap<string, SetDigest> {
    return new Map(SET_TYPES.map((type) => [type, digestOf(this.#held(type))]));
  }

  /**
   * Takes what is certain from a node's digests. Where its digest is that of the objects that it should hold, it holds
   * them, unless it has acknowledged something since: `heldThen` is what it was known to hold when the digests came.
   * Returns the types that it must give an inventory of.
   */
  adoptDigests(digests: ReadonlyMap<string, SetDigest>, heldThen: ReadonlyMap<string, SetDigest>): string[] {
    const wanted: SetEntry[] = [];
    for (const { kind, object } of this.#desired.objectsOf(this.#nodeName))
      wanted.push({
        type: kind.type,
        namespace: object.metadata.namespace ?? "",
        name: object.metadata.name,
        uid: object.metadata.uid ?? "",
        resourceVersion: object.metadata.resourceVersion ?? "",
      });
    return SET_TYPES.filter((type) => {
      const reported = digests.get(type) ?? digestOf([]);
      const held = digestOf(this.#held(type));
      if (isSameDigest(reported, held)) return false;
      if (!isSameDigest(heldThen.get(type) ?? digestOf([]), held)) return true;
      const entries = wanted.filter((entry) => entry.type === type);
      if (!isSameDigest(reported, digestOf(entries))) return true;
      this.adoptInventory([type], entries);
      return false;
    });
  }

  /** The node holds exactly these objects of these types. */
  adoptInventory(types: readonly string[], entries: readonly SetEntry[]): void {
    const { records } = this.#store;
    const held = new Map(entries.map((entry) => [entry.uid, entry]));
    // One that is not acknowledged may be on its way, in the answer to a query.
    for (const record of records.of(this.#nodeName))
      if (record.acknowledged !== "0" && types.includes(record.kind.type) && !held.has(record.uid))
        records.remove(record);
    for (const entry of entries) {
      const kind = managedKinds.find(({ type }) => type === entry.type);
      if (!kind || !types.includes(entry.type) || entry.uid === "") continue;
      const record = this.#recordOf(kind, entry);
      // The significance was that of the version that was known.
      if (record.acknowledged !== entry.resourceVersion) record.acknowledgedSignificance = undefined;
      record.acknowledged = /^[0-9]+$/.test(entry.resourceVersion) ? entry.resourceVersion : "0";
    }
  }

  /**
   * Types of which the node says something else than it has acknowledged; those with something on its way are left out.
   */
  differences(digests: ReadonlyMap<string, SetDigest>): string[] {
    const moving = new Set(
      this.#store.records
        .of(this.#nodeName)
        .filter(isMoving)
        .map(({ kind }) => kind.type),
    );
    return SET_TYPES.filter(
      (type) => !moving.has(type) && !isSameDigest(digests.get(type) ?? digestOf([]), digestOf(this.#held(type))),
    );
  }

  /** The node counts none of its versions any more. */
  forgetVersions(): void {
    for (const record of this.#store.records.of(this.#nodeName)) this.#store.records.remove(record);
  }

  *#held(type: string): Iterable<SetEntry> {
    for (const { kind, namespace, name, uid, acknowledged } of this.#store.records.of(this.#nodeName))
      if (kind.type === type && acknowledged !== "0")
        yield { type, namespace, name, uid, resourceVersion: acknowledged };
  }

  #recordOf(kind: ManagedKind, { namespace, name, uid }: SetEntry): SyncRecord {
    const { records } = this.#store;
    const existing = records.get(this.#nodeName, uid);
    if (existing && existing.kind === kind && existing.namespace === namespace && existing.name === name)
      return existing;
    if (existing) records.remove(existing);
    const record = newSyncRecord({ nodeName: this.#nodeName, uid, kind, namespace, name });
    record.stored = "present";
    records.add(record);
    return record;
  }
}

function isMoving({ sent, acknowledged }: SyncRecord): boolean {
  return sent !== undefined && (sent.kind === "deletion" || sent.resourceVersion !== acknowledged);
}
