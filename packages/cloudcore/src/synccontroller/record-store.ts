import { compareResourceVersions, isResourceVersion } from "@skerry/kube";
import type { SyncRecord } from "./sync-record.ts";
import { SyncRecords } from "./sync-records.ts";

/** Keeps account of what nodes hold. */
export interface RecordStore {
  readonly records: SyncRecords;
  /** Makes sure that the account outlives what must not forget it; before the object is sent. */
  ensure(record: SyncRecord): Promise<void>;
  /** The node has acknowledged a version. */
  acknowledged(record: SyncRecord, resourceVersion: string): void;
  /** The node no longer has the object. */
  remove(record: SyncRecord): void;
}

/**
 * The account of nodes with Skerry's delivery. It lives in memory only: after a reconnect, and after CloudCore has died,
 * the node itself says what it holds.
 */
export class MemoryRecordStore implements RecordStore {
  readonly records: SyncRecords = new SyncRecords();
  readonly #onRemoved: (record: SyncRecord) => void;

  /** `onRemoved`: another object of the name may follow now. */
  constructor(onRemoved: (record: SyncRecord) => void) {
    this.#onRemoved = onRemoved;
  }

  async ensure(record: SyncRecord): Promise<void> {
    record.stored = "present";
  }

  acknowledged(record: SyncRecord, resourceVersion: string): void {
    if (!isResourceVersion(resourceVersion)) return;
    if (compareResourceVersions(resourceVersion, record.acknowledged) > 0) record.acknowledged = resourceVersion;
  }

  remove(record: SyncRecord): void {
    this.records.remove(record);
    this.#onRemoved(record);
  }
}
