import type { KubernetesObject, OwnerReference, ResourceReference } from "@skerry/api";
import { describeError, type Logger } from "@skerry/base";
import { type DeleteOptions, Informer, isApiError, type ObjectTarget, WorkQueue } from "@skerry/kube";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import type { ResourceDirectory } from "../resource-directory.ts";
import { type GraphObject, OwnershipGraph } from "./ownership-graph.ts";

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

/** How an owner that an object refers to stands. */
type OwnerState = "solid" | "absent" | "waiting-for-dependents";

/**
 * Deletes objects whose owners are all gone, and carries out foreground and orphaning deletion. An owner that is not in
 * the caches is always looked for on the API server itself before anything is deleted.
 */
export class GarbageCollector implements Controller {
  readonly #ports: ControllerPorts;
  readonly #directory: ResourceDirectory;
  readonly #logger: Logger;
  readonly #graph = new OwnershipGraph();
  readonly #queue: WorkQueue;
  readonly #informers = new Map<string, Informer<KubernetesObject>>();
  /** Informers of removed definitions on their way out. */
  readonly #stopping = new Set<Promise<void>>();
  readonly #listening = new DisposableStack();
  #stopped = false;

  constructor(ports: ControllerPorts, directory: ResourceDirectory) {
    this.#ports = ports;
    this.#directory = directory;
    this.#logger = ports.logger.child("garbage-collector");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 4,
      work: (uid, signal) => this.#sync(uid, signal),
    });
  }

  start(): void {
    this.#listening.use(this.#directory.onChange(() => this.#follow()));
    this.#follow();
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await Promise.all([...this.#informers.values()].map((informer) => informer[Symbol.asyncDispose]()));
    await Promise.all(this.#stopping);
  }

  /** Watches each collection that there is now, and no longer those that are gone. */
  #follow(): void {
    if (this.#stopped) return;
    const wanted = new Map(
      this.#directory
        .all()
        .filter(isCollected)
        .map((reference) => [`${reference.group}/${reference.resource}`, reference]),
    );
    for (const [name, reference] of wanted)
      if (!this.#informers.has(name)) this.#informers.set(name, this.#watch(reference));
    for (const [name, informer] of this.#informers) {
      if (wanted.has(name)) continue;
      this.#informers.delete(name);
      for (const { metadata } of informer.cache.list()) this.#graph.delete(metadata.uid ?? "");
      const stopping = informer[Symbol.asyncDispose]();
      this.#stopping.add(stopping);
      void stopping.finally(() => this.#stopping.delete(stopping));
    }
  }

  #watch(reference: ResourceReference): Informer<KubernetesObject> {
    const informer = new Informer<KubernetesObject>({
      ...this.#ports,
      target: { resource: reference },
      transform: metadataOnly,
    });
    informer.listen(({ type, object }) => {
      const { metadata } = object;
      const { uid = "" } = metadata;
      if (type === "deleted") {
        this.#graph.delete(uid);
        for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.metadata.uid ?? "");
        for (const owner of metadata.ownerReferences ?? [])
          if (this.#isDeletingOwner(owner)) this.#queue.add(owner.uid);
        return;
      }
      this.#graph.set({ reference, metadata });
      const isWaiting = metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length > 0;
      if (isWaiting || (metadata.ownerReferences ?? []).length > 0) this.#queue.add(uid);
      if (isWaiting)
        for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.metadata.uid ?? "");
    });
    informer.start();
    return informer;
  }

  #isDeletingOwner({ uid }: OwnerReference): boolean {
    return this.#graph.get(uid)?.metadata.deletionTimestamp !== undefined;
  }

  async #sync(uid: string, signal: AbortSignal): Promise<void> {
    const object = this.#graph.get(uid);
    if (!object) return;
    const { metadata } = object;
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(ORPHAN)) await this.#orphanDependents(object, signal);
      else if (metadata.finalizers?.includes(FOREGROUND)) await this.#deleteDependents(object, signal);
      return;
    }
    const owners = metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const states = new Map<OwnerReference, OwnerState>();
    for (const owner of owners) states.set(owner, await this.#stateOf(owner, object, signal));
    const solid = owners.filter((owner) => states.get(owner) === "solid");
    if (solid.length === owners.length) return;
    if (solid.length > 0) {
      await this.#writeOwners(object, solid, signal);
      return;
    }
    const isWaitedFor = owners.some((owner) => states.get(owner) === "waiting-for-dependents");
    const hasDependents = this.#graph.dependentsOf(uid).length > 0;
    await this.#delete(object, isWaitedFor && hasDependents ? "Foreground" : policyOf(object), signal);
  }

  async #stateOf(owner: OwnerReference, dependent: GraphObject, signal: AbortSignal): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid);
    if (known) {
      const { deletionTimestamp, finalizers } = known.metadata;
      return deletionTimestamp !== undefined && finalizers?.includes(FOREGROUND) ? "waiting-for-dependents" : "solid";
    }
    const reference = this.#directory.find(owner.apiVersion, owner.kind);
    const { namespace } = dependent.metadata;
    // Of an owner that nobody can look up nothing is known: the object stays.
    if (!reference || (reference.namespaced && namespace === undefined)) return "solid";
    try {
      const target = {
        resource: reference,
        name: owner.name,
        ...(reference.namespaced && namespace ? { namespace } : {}),
      };
      const live = await this.#ports.api.get(target, signal);
      return live.metadata.uid === owner.uid ? "solid" : "absent";
    } catch (error) {
      if (isApiError(error, "NotFound")) return "absent";
      throw error;
    }
  }

  async #deleteDependents(owner: GraphObject, signal: AbortSignal): Promise<void> {
    const { uid = "" } = owner.metadata;
    const dependents = this.#graph.dependentsOf(uid);
    const blocking = dependents.filter(({ metadata }) =>
      metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.blockOwnerDeletion),
    );
    if (blocking.length === 0) {
      await this.#removeFinalizer(owner, FOREGROUND, signal);
      return;
    }
    for (const { metadata } of dependents)
      if (metadata.deletionTimestamp === undefined) this.#queue.add(metadata.uid ?? "");
  }

  async #orphanDependents(owner: GraphObject, signal: AbortSignal): Promise<void> {
    const { uid = "" } = owner.metadata;
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const kept = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
      await this.#writeOwners(dependent, kept, signal);
    }
    await this.#removeFinalizer(owner, ORPHAN, signal);
  }

  async #writeOwners(object: GraphObject, owners: readonly OwnerReference[], signal: AbortSignal): Promise<void> {
    const { uid = "", resourceVersion = "" } = object.metadata;
    const ownerReferences = owners.map((owner) => ({ ...owner }));
    await this.#unlessGone(object, () =>
      this.#ports.api.patch(
        targetOf(object),
        { type: "merge", body: { metadata: { uid, resourceVersion, ownerReferences } } },
        { signal },
      ),
    );
  }

  async #removeFinalizer(object: GraphObject, finalizer: string, signal: AbortSignal): Promise<void> {
    const { uid = "", resourceVersion = "", finalizers: before = [] } = object.metadata;
    const finalizers = before.filter((each) => each !== finalizer);
    await this.#unlessGone(object, () =>
      this.#ports.api.patch(
        targetOf(object),
        { type: "merge", body: { metadata: { uid, resourceVersion, finalizers } } },
        { signal },
      ),
    );
  }

  async #delete(
    object: GraphObject,
    propagationPolicy: NonNullable<DeleteOptions["propagationPolicy"]>,
    signal: AbortSignal,
  ): Promise<void> {
    const { uid = "", name, namespace } = object.metadata;
    this.#logger.debug("Deleting an object whose owners are gone", {
      kind: object.reference.kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
    });
    await this.#unlessGone(object, () =>
      this.#ports.api.delete(targetOf(object), { preconditions: { uid }, propagationPolicy, signal }),
    );
  }

  async #unlessGone(object: GraphObject, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (isApiError(error, "NotFound")) return;
      this.#logger.debug("The garbage collector will try again", {
        kind: object.reference.kind,
        name: object.metadata.name,
        error: describeError(error),
      });
      throw error;
    }
  }
}

/** Events have no owners and come in masses; what is replaced rather than collected is left out too. */
function isCollected(reference: ResourceReference): boolean {
  return reference.resource !== "events";
}

function metadataOnly({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
}

function targetOf({ reference, metadata }: GraphObject): ObjectTarget {
  const { name, namespace } = metadata;
  return { resource: reference, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The object's own wish for its dependents. */
function policyOf({ metadata }: GraphObject): NonNullable<DeleteOptions["propagationPolicy"]> {
  if (metadata.finalizers?.includes(ORPHAN)) return "Orphan";
  return metadata.finalizers?.includes(FOREGROUND) ? "Foreground" : "Background";
}
