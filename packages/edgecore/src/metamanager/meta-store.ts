import type { KubernetesObject } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import type { Reader, Transaction } from "@skerry/store";

/** Names one object in the edge's store, as the wire does: singular lower-case type, `null` for cluster scope. */
export interface ObjectKey {
  /** Wire type: `pod`, `configmap`, `secret`, `node`, `device`, `devicemodel`, … */
  readonly type: string;
  /** Namespace, or `null` (the text) for cluster-scoped objects (wire.md 2.4). */
  readonly namespace: string;
  readonly name: string;
}

/** A committed change of a stored object. */
export type ObjectChange =
  | { readonly kind: "stored"; readonly key: ObjectKey; readonly object: KubernetesObject }
  | { readonly kind: "deleted"; readonly key: ObjectKey; readonly object: KubernetesObject };

/** The objects that the cloud gave this node, in SQLite; all an offline restart needs. */
export interface MetaStore {
  get<T extends KubernetesObject>(key: ObjectKey): T | undefined;
  /** All objects of a type, in key order. */
  list<T extends KubernetesObject>(type: string): T[];
  /** Called after the commit, in commit order. */
  onChange(listener: (change: ObjectChange) => void): Disposable;
}

/**
 * What waits to reach the cloud. Entries with the same key coalesce: the newest content wins and takes the place of
 * the older one. An entry leaves the outbox only when the cloud has answered it; what the cloud does not answer (group
 * `user`; events where it is KubeEdge's) leaves when it was sent. Of these and of events the oldest is dropped, counted,
 * when too much waits.
 */
export interface OutboxEntry {
  /** e.g. `podpatch/default/web-1`. */
  readonly key: string;
  readonly source: string;
  readonly group: string;
  readonly operation: string;
  /** Wire form. */
  readonly resource: string;
  readonly content: JsonValue;
}

/** The durable way up. */
export interface Outbox {
  /**
   * Adds or replaces an entry within the caller's own transaction, so that state and message are one.
   * @throws SkerryError `META_OUTBOX_FULL`, `META_OUTBOX_ENTRY_TOO_LARGE`
   */
  put(transaction: Transaction, entry: OutboxEntry): void;
  /** Forgets an entry (e.g. the pod it reported on is gone); returns whether it was waiting. */
  remove(transaction: Transaction, key: string): boolean;
  has(reader: Reader, key: string): boolean;
  pending(reader: Reader): OutboxEntry[];
}

/** Objects and calls that may need the cloud. */
export interface MetaClient extends MetaStore {
  readonly outbox: Outbox;
  /** Runs a transaction on the edge's database; module tables live in the same file. */
  transaction<T>(work: (transaction: Transaction) => T): Promise<T>;
  read<T>(work: (reader: Reader) => T): T;
  /**
   * The object from the store, else from the cloud (then stored). An error answer is never stored.
   * @throws ApiError `KUBE_NOT_FOUND`; SkerryError `LINK_DISCONNECTED`, `LINK_TIMEOUT`
   */
  fetch<T extends KubernetesObject>(key: ObjectKey, signal?: AbortSignal): Promise<T>;
  /**
   * A call to the cloud that is never stored: token requests, node registration, lease renewal. Resolves with the
   * object of the answer.
   * @throws ApiError for an error answer; SkerryError `LINK_DISCONNECTED`, `LINK_TIMEOUT`
   */
  call<T extends KubernetesObject>(
    request: { readonly operation: string; readonly resource: string; readonly content: JsonValue },
    signal?: AbortSignal,
  ): Promise<T>;
}
