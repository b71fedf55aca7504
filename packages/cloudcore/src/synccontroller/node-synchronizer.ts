import { apiVersionOf, type KubernetesObject } from "@skerry/api";
import { describeError, type JsonValue, type Logger, RetrySchedule, type Timer } from "@skerry/base";
import { compareResourceVersions, isApiError, isResourceVersion, type KubernetesApi } from "@skerry/kube";
import { type Message, type MessageStamp, newMessage, objectPath } from "@skerry/link";
import type { DesiredObjects } from "./desired-objects.ts";
import type { ManagedKind } from "./managed-kinds.ts";
import type { RecordStore } from "./record-store.ts";
import { newSyncRecord, type SyncRecord } from "./sync-record.ts";

/** An object message that is about to go to a node. */
export interface OutgoingObject {
  readonly nodeName: string;
  readonly kind: ManagedKind;
  readonly operation: "insert" | "update" | "delete";
  readonly object: KubernetesObject;
}

/** What a {@link NodeSynchronizer} lives on. */
export interface NodeSynchronizerOptions {
  readonly nodeName: string;
  readonly api: KubernetesApi;
  readonly desired: DesiredObjects;
  readonly store: RecordStore;
  readonly stamp: MessageStamp;
  readonly logger: Logger;
  readonly deliver: (message: Message) => boolean;
  readonly onOutgoing: (outgoing: OutgoingObject) => void;
  /** Sends nothing before {@link NodeSynchronizer.release}: what the node holds is not known yet. */
  readonly held?: boolean;
}

interface Pending {
  readonly kind: ManagedKind;
  readonly namespace: string;
  readonly name: string;
  /** The object's last version, when its deletion was seen. */
  readonly lastKnown: KubernetesObject | undefined;
}

interface Prepared {
  /** Records of objects that are really gone. */
  readonly gone: ReadonlySet<SyncRecord>;
  /** What was read of kinds with {@link ManagedKind.contentIsRead}. */
  readonly contents: ReadonlyMap<Pending, KubernetesObject>;
}

/** Waits after the API has failed; each try compares everything. */
const RETRY = { initialMs: 250, maximumMs: 5_000 };
/** Names compared at a time; their sync objects are created together. */
const BATCH = 64;

/**
 * Brings one node with a live session to hold what it should: compares, name by name, what it has acknowledged with what
 * the caches say, and sends the difference. Whatever happened, looking again always leads on, so events, repairs and
 * reconnects all end here. Messages of one object keep their order: a new object of the same name goes out when the node
 * has acknowledged that the old one is gone.
 */
export class NodeSynchronizer implements Disposable {
  readonly #options: NodeSynchronizerOptions;
  /** Names to compare, in order; as many as the node has objects at most. */
  readonly #pending = new Map<string, Pending>();
  readonly #retry: RetrySchedule;
  #retryTimer: Timer | undefined;
  #running = false;
  #closed = false;
  #held: boolean;

  constructor(options: NodeSynchronizerOptions) {
    this.#options = options;
    this.#held = options.held ?? false;
    this.#retry = new RetrySchedule(RETRY, options.stamp.random);
    for (const record of options.store.records.of(options.nodeName)) record.sent = undefined;
  }

  /** What the node holds is known now: sends the differences, and from here on goes with every change. */
  release(): void {
    this.#held = false;
    this.compareAll();
    // The pending names may all be known already.
    void this.#run();
  }

  /** Compares one name soon. */
  compare(kind: ManagedKind, namespace: string, name: string, lastKnown?: KubernetesObject): void {
    if (this.#closed) return;
    const key = `${kind.type} ${namespace}/${name}`;
    this.#pending.set(key, { kind, namespace, name, lastKnown: lastKnown ?? this.#pending.get(key)?.lastKnown });
    void this.#run();
  }

  /**
   * Compares everything that the node should hold or has acknowledged. What plainly agrees is passed over here: of
   * thousands of idle nodes all does, every few seconds.
   */
  compareAll(): void {
    const { desired, nodeName, store } = this.#options;
    const wanted = new Set<string>();
    for (const { kind, object } of desired.objectsOf(nodeName)) {
      const { uid = "", namespace = "", name } = object.metadata;
      wanted.add(uid);
      const record = store.records.get(nodeName, uid);
      if (record?.kind !== kind || !agrees(record, object)) this.compare(kind, namespace, name);
    }
    for (const { uid, kind, namespace, name } of store.records.of(nodeName))
      if (!wanted.has(uid)) this.compare(kind, namespace, name);
  }

  /** Sends everything anew that this session has not sent: the node may have lost what it had acknowledged before. */
  resendAll(): void {
    for (const record of this.#options.store.records.of(this.#options.nodeName)) {
      if (record.sent !== undefined) continue;
      record.acknowledged = "0";
      record.acknowledgedSignificance = undefined;
    }
    this.compareAll();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#retryTimer?.cancel();
    this.#pending.clear();
  }

  async #run(): Promise<void> {
    if (this.#running || this.#held) return;
    this.#running = true;
    try {
      // Lets the burst of events that caused this come to its end.
      await Promise.resolve();
      while (this.#pending.size > 0 && !this.#closed) {
        const batch = [...this.#pending].slice(0, BATCH);
        for (const [key] of batch) this.#pending.delete(key);
        const prepared = await this.#prepare(batch.map(([, pending]) => pending));
        for (const [, pending] of batch) if (!this.#closed) this.#settle(pending, prepared);
      }
    } finally {
      this.#running = false;
    }
  }

  /**
   * What needs the API, done together: creates missing sync objects, reads contents, confirms that absent objects are
   * really gone.
   */
  async #prepare(batch: readonly Pending[]): Promise<Prepared> {
    const { store, logger, nodeName, desired } = this.#options;
    const gone = new Set<SyncRecord>();
    const contents = new Map<Pending, KubernetesObject>();
    const read = async (pending: Pending, current: KubernetesObject): Promise<void> => {
      const content = await desired.contentOf?.(pending.kind, current);
      if (content) contents.set(pending, content);
    };
    const works: Promise<void>[] = [];
    for (const pending of batch) {
      const current = this.#current(pending);
      if (current) {
        const record = this.#recordOf(pending, current);
        if (record.stored === "absent") works.push(store.ensure(record));
        if (pending.kind.contentIsRead && isDue(record, current)) works.push(read(pending, current));
      }
      for (const record of this.#others(pending, current)) {
        // A cache that has another UID under the name proves nothing: right after a start it may be the older one.
        if (pending.lastKnown?.metadata.uid === record.uid) gone.add(record);
        else works.push(this.#confirmGone(record).then((isGone) => void (isGone && gone.add(record))));
      }
    }
    if (works.length === 0) return { gone, contents };
    const failed = (await Promise.allSettled(works)).find((result) => result.status === "rejected");
    if (failed) {
      logger.warn("Cannot keep account of what the node has; trying again", {
        nodeName,
        reason: describeError(failed.reason),
      });
      this.#tryAgain();
    } else this.#retry.reset();
    return { gone, contents };
  }

  #tryAgain(): void {
    if (this.#closed || this.#retryTimer) return;
    this.#retryTimer = this.#options.stamp.clock.setTimer(this.#retry.nextDelayMs(), () => {
      this.#retryTimer = undefined;
      this.compareAll();
    });
  }

  #settle(pending: Pending, { gone, contents }: Prepared): void {
    const current = this.#current(pending);
    let mayFollow = true;
    for (const record of this.#others(pending, current)) {
      if (gone.has(record)) this.#sendDeletion(record, pending.lastKnown);
      // The node has what the API has; it is the cache that is behind.
      else mayFollow = false;
      if (record.stored === "removing" || record.sent?.kind === "deletion") mayFollow = false;
    }
    if (!current || !mayFollow) return;
    const content = pending.kind.contentIsRead ? contents.get(pending) : current;
    // It may have been replaced while its content was read; then it is pending again.
    if (content && content.metadata.uid === current.metadata.uid)
      this.#sendObject(this.#recordOf(pending, current), content);
  }

  #sendObject(record: SyncRecord, object: KubernetesObject): void {
    const { nodeName, stamp, deliver, onOutgoing, logger } = this.#options;
    const { kind } = record;
    const version = object.metadata.resourceVersion ?? "";
    if (!isResourceVersion(version)) {
      logger.error("An object has no numeric resourceVersion and is not sent", { nodeName, type: kind.type, version });
      return;
    }
    if (record.stored !== "present") return;
    if (!isDue(record, object)) return;
    const significance = kind.significance?.(object);
    if (significance !== undefined) record.compared = { resourceVersion: version, significance };
    if (significance !== undefined && significance === knownSignificance(record)) return;
    const operation = record.acknowledged === "0" ? kind.firstOperation : "update";
    const outgoing = asOutgoing(kind, object);
    onOutgoing({ nodeName, kind, operation, object: outgoing });
    const message = newMessage(stamp, this.#route(record, operation), asContent(outgoing), {
      resourceVersion: version,
    });
    if (deliver(message)) record.sent = { kind: "object", resourceVersion: version, significance };
  }

  #sendDeletion(record: SyncRecord, lastKnown: KubernetesObject | undefined): void {
    const { nodeName, stamp, store, deliver, onOutgoing } = this.#options;
    if (record.stored === "removing" || record.sent?.kind === "deletion") return;
    if (!record.kind.tellsDeletion) {
      store.remove(record);
      return;
    }
    const { kind, namespace, name, uid } = record;
    const reference = { apiVersion: apiVersionOf(kind.reference), kind: kind.reference.kind };
    const seen = lastKnown?.metadata.uid === uid ? asOutgoing(kind, lastKnown) : undefined;
    const stub: JsonValue = { metadata: { name, ...(namespace === "" ? {} : { namespace }), uid } };
    onOutgoing({
      nodeName,
      kind,
      operation: "delete",
      object: seen ?? { ...reference, metadata: { name, namespace, uid } },
    });
    const version = seen?.metadata.resourceVersion;
    const message = newMessage(
      stamp,
      this.#route(record, "delete"),
      seen ? asContent(seen) : stub,
      version === undefined ? {} : { resourceVersion: version },
    );
    if (!deliver(message)) return;
    record.sent = { kind: "deletion" };
    // It may arrive without its acknowledgement: from now on nothing is known to be there.
    record.acknowledged = "0";
    record.acknowledgedSignificance = undefined;
  }

  #route(record: SyncRecord, operation: string): Message["route"] {
    const { kind, namespace, name } = record;
    return {
      source: kind.source,
      group: "resource",
      operation,
      resource: objectPath(namespace === "" ? undefined : namespace, kind.type, name),
    };
  }

  #current({ kind, namespace, name }: Pending): KubernetesObject | undefined {
    return this.#options.desired.objectFor(this.#options.nodeName, kind, namespace, name);
  }

  /** Records of the name that are not about the object that has it now. */
  #others(pending: Pending, current: KubernetesObject | undefined): SyncRecord[] {
    const { store, nodeName } = this.#options;
    return store.records
      .named(nodeName, pending.kind, pending.namespace, pending.name)
      .filter((record) => record.uid !== current?.metadata.uid);
  }

  #recordOf(pending: Pending, object: KubernetesObject): SyncRecord {
    const { store, nodeName } = this.#options;
    const uid = object.metadata.uid ?? "";
    const existing = store.records.get(nodeName, uid);
    if (existing) return existing;
    const record = newSyncRecord({ nodeName, uid, ...pending });
    store.records.add(record);
    return record;
  }

  /** Asks the API itself: a cache may lag, and a deletion cannot be taken back. */
  async #confirmGone(record: SyncRecord): Promise<boolean> {
    const { api, desired, nodeName } = this.#options;
    const { kind, namespace, name, uid } = record;
    try {
      const target = { resource: kind.reference, name, ...(namespace === "" ? {} : { namespace }) };
      const found = await api.get(target);
      return found.metadata.uid !== uid || !desired.belongsTo(nodeName, kind, found);
    } catch (error) {
      if (isApiError(error, "NotFound")) return true;
      throw error;
    }
  }
}

/** Whether the node is known to have an older version, or none. */
function isDue(record: SyncRecord, object: KubernetesObject): boolean {
  const version = object.metadata.resourceVersion ?? "";
  const known = record.sent?.kind === "object" ? record.sent.resourceVersion : record.acknowledged;
  return isResourceVersion(version) && compareResourceVersions(version, known) > 0;
}

/** Whether there is surely nothing to do about an object that the node should hold; a look at the record alone. */
function agrees(record: SyncRecord, object: KubernetesObject): boolean {
  if (record.stored !== "present" || record.sent?.kind === "deletion") return false;
  if (!isDue(record, object)) return true;
  const { compared } = record;
  return (
    compared !== undefined &&
    compared.resourceVersion === object.metadata.resourceVersion &&
    compared.significance === knownSignificance(record)
  );
}

/** Of the version that the node has, or is about to have. */
function knownSignificance({ sent, acknowledgedSignificance }: SyncRecord): string | undefined {
  return sent?.kind === "object" ? sent.significance : acknowledgedSignificance;
}

/** The object as the node gets it; the edge depends on kind and apiVersion (wire.md 10, notes). */
function asOutgoing(kind: ManagedKind, object: KubernetesObject): KubernetesObject {
  const { reference } = kind;
  return { ...(kind.outgoing?.(object) ?? object), apiVersion: apiVersionOf(reference), kind: reference.kind };
}

/** Typed objects are JSON by construction. */
function asContent(object: KubernetesObject): JsonValue {
  return object as unknown as JsonValue;
}
