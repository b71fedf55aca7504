import { apiVersionOf, clusterObjectSyncs, type ObjectSync, objectSyncs } from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import {
  compareResourceVersions,
  type InformerEvent,
  isApiError,
  isResourceVersion,
  type KubernetesApi,
  type ObjectTarget,
  WorkQueue,
} from "@skerry/kube";
import { managedKindOf } from "./managed-kinds.ts";
import type { RecordStore } from "./record-store.ts";
import { newSyncRecord, parseSyncObjectName, type SyncRecord, syncObjectName } from "./sync-record.ts";
import { SyncRecords } from "./sync-records.ts";

/** What a {@link SyncStore} lives on. */
export interface SyncStoreOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The record was removed, or somebody deleted its sync object: the object is to be compared again. */
  readonly onChanged: (record: SyncRecord) => void;
  /** Whether the node's session is at this CloudCore. */
  readonly isHere: (nodeName: string) => boolean;
}

/** Sync objects written at the same time. */
const WRITE_CONCURRENCY = 4;

/**
 * Keeps the records in the API as ObjectSync and ClusterObjectSync. Acknowledgements are written behind: the newest
 * version of each record, outside of the way of the messages. When CloudCore dies before, the object is sent once more.
 */
export class SyncStore implements RecordStore, AsyncDisposable {
  readonly records: SyncRecords = new SyncRecords();
  readonly #api: KubernetesApi;
  readonly #onChanged: (record: SyncRecord) => void;
  readonly #isHere: (nodeName: string) => boolean;
  readonly #writes: WorkQueue;

  constructor(options: SyncStoreOptions) {
    this.#api = options.api;
    this.#onChanged = options.onChanged;
    this.#isHere = options.isHere;
    this.#writes = new WorkQueue({
      clock: options.clock,
      random: options.random,
      logger: options.logger.child("sync-store"),
      concurrency: WRITE_CONCURRENCY,
      work: (key) => this.#write(key),
    });
  }

  start(): void {
    this.#writes.start();
  }

  /** Takes in what the API says about a sync object. */
  observe(event: InformerEvent<ObjectSync>): void {
    const identity = parseSyncObjectName(event.object.metadata.name);
    const kind = managedKindOf(event.object.spec?.objectAPIVersion, event.object.spec?.objectKind);
    if (!identity || !kind) return;
    const existing = this.records.get(identity.nodeName, identity.uid);
    if (event.type === "deleted") {
      if (existing) this.#forgotten(existing);
      return;
    }
    const record =
      existing ??
      newSyncRecord({
        ...identity,
        kind,
        namespace: event.object.metadata.namespace ?? "",
        name: event.object.spec?.objectName ?? "",
      });
    if (!existing) this.records.add(record);
    if (record.stored === "absent") record.stored = "present";
    // Empty counts as none: KubeEdge would never send that object again (wire.md W4).
    const version = event.object.status?.objectResourceVersion ?? "";
    record.storedVersion = version;
    if (isResourceVersion(version) && compareResourceVersions(version, record.acknowledged) > 0)
      record.acknowledged = version;
  }

  /**
   * Makes sure that the sync object exists. It must before the object is sent: otherwise, if CloudCore dies and the
   * object is deleted meanwhile, nobody knows that the node still has it.
   */
  async ensure(record: SyncRecord): Promise<void> {
    if (record.stored !== "absent") return;
    const { resource, namespace, name } = targetOf(record);
    const object: ObjectSync = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      spec: {
        objectAPIVersion: apiVersionOf(record.kind.reference),
        objectKind: record.kind.reference.kind,
        objectName: record.name,
      },
    };
    try {
      await this.#api.create<ObjectSync>({ resource, ...(namespace === undefined ? {} : { namespace }) }, object);
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
    if (record.stored === "absent") record.stored = "present";
  }

  /** The node has acknowledged a version. */
  acknowledged(record: SyncRecord, resourceVersion: string): void {
    if (!isResourceVersion(resourceVersion)) return;
    if (compareResourceVersions(resourceVersion, record.acknowledged) > 0) record.acknowledged = resourceVersion;
    if (record.storedVersion !== record.acknowledged) this.#writes.add(keyOf(record));
  }

  /** The node no longer has the object. */
  remove(record: SyncRecord): void {
    if (record.stored === "absent") {
      this.#removed(record);
      return;
    }
    record.stored = "removing";
    this.#writes.add(keyOf(record));
  }

  /** Resolves when all acknowledgements so far are written; those that failed are tried again later. */
  whenWritten(): Promise<void> {
    return this.#writes.whenIdle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writes[Symbol.asyncDispose]();
  }

  async #write(key: string): Promise<void> {
    const identity = parseSyncObjectName(key);
    const record = identity && this.records.get(identity.nodeName, identity.uid);
    if (!record) return;
    const target = targetOf(record);
    if (record.stored === "removing") {
      try {
        await this.#api.delete(target, { gracePeriodSeconds: 0 });
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
      this.#removed(record);
      return;
    }
    await this.ensure(record);
    const version = record.acknowledged;
    if (record.storedVersion === version) return;
    try {
      const body = { status: { objectResourceVersion: version } };
      await this.#api.patch({ ...target, subresource: "status" }, { type: "merge", body });
      record.storedVersion = version;
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      // Deleted by somebody: its informer says so as well, and then the object is sent anew.
    }
  }

  #removed(record: SyncRecord): void {
    this.records.remove(record);
    this.#onChanged(record);
  }

  #forgotten(record: SyncRecord): void {
    if (record.stored === "removing") return;
    // The CloudCore that has the node's session takes care of it; nothing is to be kept account of here.
    if (!this.#isHere(record.nodeName)) {
      this.records.remove(record);
      return;
    }
    record.stored = "absent";
    record.storedVersion = "";
    record.acknowledged = "0";
    record.acknowledgedSignificance = undefined;
    record.sent = undefined;
    this.#onChanged(record);
  }
}

function keyOf(record: SyncRecord): string {
  return syncObjectName(record.nodeName, record.uid);
}

function targetOf(record: SyncRecord): ObjectTarget {
  const name = keyOf(record);
  return record.namespace === ""
    ? { resource: clusterObjectSyncs, name }
    : { resource: objectSyncs, namespace: record.namespace, name };
}
