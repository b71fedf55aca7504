/** What of an object is compared: which write made this state of it. */
export interface ObservedState {
  readonly name: string;
  readonly uid: string;
  /** Unique to the write that made it. */
  readonly value: string;
  readonly revision: number;
}

/** One write and what its client was told. Times are those of one monotonic clock, in milliseconds. */
export interface WriteRecord {
  readonly verb: "create" | "update" | "patch" | "delete";
  readonly name: string;
  /** What the write stores, unique to it; of a deletion the UID that it is conditional on. */
  readonly value: string;
  /** The revision that the write is conditional on. */
  readonly basedOn?: number;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly outcome:
    | { readonly type: "acknowledged"; readonly state: ObservedState }
    | { readonly type: "deleted" }
    | { readonly type: "refused"; readonly httpStatus: number }
    /** The server died before its answer came: it is there wholly or not at all. */
    | { readonly type: "unknown" };
}

/** One event of a watch. */
export interface WatchedChange extends ObservedState {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
}

/** One connection of a watch: what came after the revision that it asked for. */
export interface WatchRecord {
  readonly watcher: string;
  /** It selects the names that begin so. */
  readonly prefix: string;
  readonly from: number;
  readonly changes: WatchedChange[];
}

/** One list. */
export interface ListRecord {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** Of the present state, or of a revision of the past (also page by page). */
  readonly of: "present" | "past";
  readonly revision: number;
  readonly items: readonly ObservedState[];
}

/** All that the clients of an API server did and were told, from an empty collection on. */
export interface ApiHistory {
  /** The collection was empty at this revision. */
  readonly emptyAt: number;
  readonly writes: readonly WriteRecord[];
  readonly watches: readonly WatchRecord[];
  readonly lists: readonly ListRecord[];
}

/** What a history must not show. */
export interface Violation {
  readonly rule:
    | "acknowledged write lost"
    | "refused write applied"
    | "write from nowhere"
    | "write applied twice"
    | "condition ignored"
    | "revision reused"
    | "revision went back"
    | "watch has a gap"
    | "watch out of order"
    | "history impossible"
    | "list differs";
  readonly message: string;
}
