import type { KubernetesObject } from "@skerry/api";
import type { ApiHistory, ListRecord, ObservedState, WatchRecord, WriteRecord } from "./api-history.ts";

/** The ConfigMaps that the clients write; others in the namespace are not theirs. */
export const NAMES: readonly string[] = ["left-a", "left-b", "left-c", "left-d", "right-a", "right-b", "right-c"];

/** A ConfigMap as the clients write it. */
export type WrittenObject = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };

/** Collects what all clients did and were told. */
export class HistoryRecorder implements ApiHistory {
  readonly emptyAt: number;
  readonly writes: WriteRecord[] = [];
  readonly watches: WatchRecord[] = [];
  readonly lists: ListRecord[] = [];
  /** Writes that were sent, answered or not. */
  sentCount = 0;
  /** Revisions that an acknowledged write has, in the order of the acknowledgements. */
  readonly revisions: number[] = [];

  constructor(emptyAt: number) {
    this.emptyAt = emptyAt;
  }

  wrote(record: WriteRecord): void {
    this.writes.push(record);
    if (record.outcome.type === "acknowledged") this.revisions.push(record.outcome.state.revision);
  }
}

/** What a state of an object says of itself; undefined when it is none of the clients'. */
export function observed(object: WrittenObject): ObservedState | undefined {
  const { name, uid = "", resourceVersion = "" } = object.metadata;
  const value = object.data?.["write"];
  if (value === undefined) return undefined;
  return { name, uid, value, revision: Number(resourceVersion) };
}
