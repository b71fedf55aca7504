import type { KubernetesObject, ObjectSync } from "@skerry/api";
import { type Clock, isJsonObject, type JsonValue, type Logger, type Random, type Timer } from "@skerry/base";
import type { Informer, KubernetesApi } from "@skerry/kube";
import { DYNAMIC_CONTROLLER_SOURCE, type Message, newMessage, objectPath } from "@skerry/link";
import type { CloudHubPort, SessionEvent } from "../cloudhub/cloud-hub-port.ts";
import type { LinkTraces } from "../tracing/link-traces.ts";
import { type DesiredObjects, forKubeEdge } from "./desired-objects.ts";
import { type ManagedKind, managedKindOf } from "./managed-kinds.ts";
import { NodeSynchronizer, type OutgoingObject } from "./node-synchronizer.ts";
import { MemoryRecordStore, type RecordStore } from "./record-store.ts";
import { SetAccount } from "./set-account.ts";
import type { SetFreshness } from "./set-freshness.ts";
import { SetReconciler } from "./set-reconciler.ts";
import { newSyncRecord, type SyncRecord } from "./sync-record.ts";
import { SyncStore } from "./sync-store.ts";

/** What a {@link SyncController} lives on. */
export interface SyncControllerOptions {
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly desired: DesiredObjects;
  readonly freshness: SetFreshness;
  readonly objectSyncs: Informer<ObjectSync>;
  readonly clusterObjectSyncs: Informer<ObjectSync>;
  /** Whether a Node object of that name exists. */
  readonly nodeExists: (nodeName: string) => boolean;
  /** Whether this CloudCore, among its replicas, removes what gone nodes have left. */
  readonly isLeader: () => boolean;
  /** Hears of each object message before it goes out. */
  readonly onOutgoing?: (outgoing: OutgoingObject) => void;
  /** Left out: nothing is traced. */
  readonly traces?: LinkTraces | undefined;
}

/** What is done for one connected node. */
interface NodeWork {
  readonly store: RecordStore;
  readonly synchronizer: NodeSynchronizer;
  /** Only with Skerry's delivery. */
  readonly reconciler: SetReconciler | undefined;
}

/** How often each connected node is compared as a whole, in milliseconds (wire.md 9). */
const COMPARE_INTERVAL_MS = 5_000;
/** How long a node must be gone until what is known of it is removed, in milliseconds. */
const FORGET_NODE_AFTER_MS = 600_000;

/**
 * Brings the connected nodes to hold the objects that they should (wire.md 8, 9): at once when a session opens, when an
 * object changes, and as a whole every five seconds. Its caches must have synced before {@link start}.
 *
 * An edge holds an object that CloudCore has no sync object of only when somebody deleted it: a sync object is created
 * before the object is first sent. Such an object is found when the edge next speaks of it ({@link removeStray}); when
 * the object still exists, it is sent again.
 */
export class SyncController implements AsyncDisposable {
  readonly #options: SyncControllerOptions;
  /** Of nodes with KubeEdge's delivery: in sync objects. */
  readonly #store: SyncStore;
  /** Of nodes with Skerry's. */
  readonly #memory: MemoryRecordStore;
  readonly #sessions = new Map<string, NodeWork>();
  /** Nodes that have sync objects but no Node, and since when. */
  readonly #absentSinceMs = new Map<string, number>();
  /** Nodes with Skerry's delivery that are known but not connected here, and since when. */
  readonly #awaySinceMs = new Map<string, number>();
  readonly #cleanup = new DisposableStack();
  #timer: Timer | undefined;

  constructor(options: SyncControllerOptions) {
    this.#options = options;
    const onChanged = ({ nodeName, kind, namespace, name }: SyncRecord): void =>
      this.objectChanged(nodeName, kind, namespace, name);
    this.#store = new SyncStore({ ...options, onChanged, isHere: (nodeName) => this.#sessions.has(nodeName) });
    this.#memory = new MemoryRecordStore(onChanged);
  }

  /** Begins with the nodes that are connected. */
  async start(): Promise<void> {
    const { cloudHub, objectSyncs, clusterObjectSyncs } = this.#options;
    for (const informer of [objectSyncs, clusterObjectSyncs])
      this.#cleanup.use(informer.listen((event) => this.#store.observe(event)));
    this.#store.start();
    this.#cleanup.use(cloudHub.onDelivered(({ nodeName, message }) => this.#delivered(nodeName, message)));
    this.#cleanup.use(
      cloudHub.onSetReport(({ nodeName, report }) => this.#sessions.get(nodeName)?.reconciler?.report(report)),
    );
    this.#cleanup.use(cloudHub.onSession((event) => this.#session(event)));
    for (const nodeName of [...cloudHub.connectedNodes].sort()) this.#open(nodeName);
    this.#schedule();
  }

  /** An object of the node has changed, or should no longer be there; `lastKnown` when its deletion was seen. */
  objectChanged(
    nodeName: string,
    kind: ManagedKind,
    namespace: string,
    name: string,
    lastKnown?: KubernetesObject,
  ): void {
    this.#options.traces?.changed(nodeName, objectPath(namespace, kind.type, name));
    this.#sessions.get(nodeName)?.synchronizer.compare(kind, namespace, name, lastKnown);
  }

  /**
   * The node may have lost everything that it had acknowledged: its EdgeCore has started anew (cloud.md 14, 29). With
   * Skerry's delivery it has said so itself.
   */
  resendAll(nodeName: string): void {
    const work = this.#sessions.get(nodeName);
    if (work && !work.reconciler) work.synchronizer.resendAll();
  }

  /**
   * The node is about to be given the object in an answer. Resolves when the answer may go out: from then on the node's
   * copy is kept account of, even if nothing is ever heard of the answer again.
   */
  async expectAnswered(nodeName: string, kind: ManagedKind, object: KubernetesObject): Promise<void> {
    const { uid = "", namespace = "", name } = object.metadata;
    const store = this.#storeOf(nodeName);
    const { records } = store;
    const record = records.get(nodeName, uid) ?? newSyncRecord({ nodeName, uid, kind, namespace, name });
    records.add(record);
    await store.ensure(record);
  }

  /** The node speaks of an object that does not exist: it is told so. */
  removeStray(nodeName: string, kind: ManagedKind, namespace: string, name: string, uid: string): void {
    if (this.#storeOf(nodeName).records.get(nodeName, uid)) {
      this.objectChanged(nodeName, kind, namespace, name);
      return;
    }
    const { cloudHub, clock, random } = this.#options;
    const route = {
      source: kind.source,
      group: "resource",
      operation: "delete",
      resource: objectPath(namespace, kind.type, name),
    };
    cloudHub.deliver(nodeName, newMessage({ clock, random }, route, { metadata: { name, namespace, uid } }));
  }

  /** Resolves when the acknowledgements so far are stored. */
  whenStored(): Promise<void> {
    return this.#store.whenWritten();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel();
    this.#cleanup.dispose();
    for (const nodeName of [...this.#sessions.keys()]) this.#close(nodeName);
    await this.#store[Symbol.asyncDispose]();
  }

  #session(event: SessionEvent): void {
    if (event.kind === "opened") this.#open(event.nodeName);
    else this.#close(event.nodeName);
  }

  #open(nodeName: string): void {
    const { api, cloudHub, desired, clock, random, logger, onOutgoing } = this.#options;
    this.#close(nodeName);
    const isSkerry = cloudHub.deliveryOf(nodeName) === "skerry";
    const store = isSkerry ? this.#memory : this.#store;
    const stamp = { clock, random };
    const deliver = (message: Message): boolean => cloudHub.deliver(nodeName, message);
    const synchronizer = new NodeSynchronizer({
      nodeName,
      api,
      desired: isSkerry ? desired : forKubeEdge(desired),
      store,
      stamp,
      logger,
      deliver,
      onOutgoing: (outgoing) => onOutgoing?.(outgoing),
      held: isSkerry,
    });
    const reconciler = isSkerry ? this.#reconciler(nodeName, synchronizer) : undefined;
    this.#sessions.set(nodeName, { store, synchronizer, reconciler });
    if (reconciler) reconciler.start();
    else synchronizer.compareAll();
  }

  #reconciler(nodeName: string, synchronizer: NodeSynchronizer): SetReconciler {
    const { cloudHub, desired, freshness, clock, random, logger } = this.#options;
    return new SetReconciler({
      nodeName,
      account: new SetAccount(nodeName, this.#memory, desired),
      freshness,
      stamp: { clock, random },
      logger,
      deliver: (message) => cloudHub.deliver(nodeName, message),
      onAgreed: () => {
        // Left from the time when the node came with KubeEdge's delivery.
        for (const record of this.#store.records.of(nodeName)) this.#store.remove(record);
        synchronizer.release();
      },
      onDisagreed: (reason) => cloudHub.closeSession(nodeName, reason),
    });
  }

  #storeOf(nodeName: string): RecordStore {
    return this.#sessions.get(nodeName)?.store ?? this.#store;
  }

  #close(nodeName: string): void {
    const work = this.#sessions.get(nodeName);
    work?.reconciler?.[Symbol.dispose]();
    work?.synchronizer[Symbol.dispose]();
    this.#sessions.delete(nodeName);
  }

  #delivered(nodeName: string, message: Message): void {
    // What a MetaServer watches is not in the node's set.
    if (message.route.source === DYNAMIC_CONTROLLER_SOURCE) return;
    const identity = identityOf(message.content);
    if (!identity) return;
    const store = this.#storeOf(nodeName);
    const record = store.records.get(nodeName, identity.uid) ?? this.#recordOfAnswer(nodeName, message, identity);
    if (!record) return;
    if (message.route.operation === "delete") {
      if (record.sent?.kind !== "deletion") return;
      store.remove(record);
    } else {
      const version = message.header.resourceversion ?? "";
      if (record.sent?.kind === "object" && record.sent.resourceVersion === version)
        record.acknowledgedSignificance = record.sent.significance;
      store.acknowledged(record, version);
    }
  }

  /**
   * The node has taken an object from the answer to its query: from now on it is kept up to date there. Whether it
   * should have the object (still, or already: the caches may lag) is for the comparison to say.
   */
  #recordOfAnswer(nodeName: string, message: Message, identity: ObjectIdentity): SyncRecord | undefined {
    const kind = managedKindOf(identity.apiVersion, identity.kind);
    if (message.route.operation !== "response" || !kind) return undefined;
    const { uid, namespace, name } = identity;
    const record = newSyncRecord({ nodeName, uid, kind, namespace, name });
    this.#storeOf(nodeName).records.add(record);
    this.objectChanged(nodeName, kind, namespace, name);
    return record;
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(COMPARE_INTERVAL_MS, () => {
      for (const { synchronizer } of this.#sessions.values()) synchronizer.compareAll();
      this.#forgetGoneNodes();
      this.#schedule();
    });
  }

  /**
   * Nodes that were removed for good leave their sync objects behind. What is known of a node with Skerry's delivery is
   * only of use if it comes back here soon; later, or at another CloudCore, it says itself what it holds.
   */
  #forgetGoneNodes(): void {
    const { nodeExists, isLeader } = this.#options;
    const hasSession = (nodeName: string): boolean => this.#sessions.has(nodeName);
    const isThere = (nodeName: string): boolean => hasSession(nodeName) || nodeExists(nodeName);
    this.#forget(this.#memory, this.#awaySinceMs, hasSession);
    if (isLeader()) this.#forget(this.#store, this.#absentSinceMs, isThere);
    else this.#absentSinceMs.clear();
  }

  #forget(store: RecordStore, sinceMs: Map<string, number>, isThere: (nodeName: string) => boolean): void {
    const now = this.#options.clock.monotonicMs();
    const names = new Set(store.records.nodeNames());
    for (const nodeName of sinceMs.keys()) if (!names.has(nodeName)) sinceMs.delete(nodeName);
    for (const nodeName of names) {
      const since = sinceMs.get(nodeName);
      if (isThere(nodeName)) sinceMs.delete(nodeName);
      else if (since === undefined) sinceMs.set(nodeName, now);
      else if (now - since >= FORGET_NODE_AFTER_MS)
        for (const record of store.records.of(nodeName)) store.remove(record);
    }
  }
}

interface ObjectIdentity {
  readonly apiVersion: string | undefined;
  readonly kind: string | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

function identityOf(content: JsonValue): ObjectIdentity | undefined {
  if (!isJsonObject(content) || !isJsonObject(content["metadata"])) return undefined;
  const { uid, namespace, name } = content["metadata"];
  if (typeof uid !== "string" || uid === "" || typeof name !== "string") return undefined;
  const { apiVersion, kind } = content;
  return {
    apiVersion: typeof apiVersion === "string" ? apiVersion : undefined,
    kind: typeof kind === "string" ? kind : undefined,
    namespace: typeof namespace === "string" ? namespace : "",
    name,
    uid,
  };
}
