import { type Condition, type Namespace, namespaces as namespacesResource, type ResourceReference } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import { findCondition, withCondition } from "../conditions.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import type { ResourceDirectory } from "../resource-directory.ts";

/** When to look again whether a namespace that is being emptied is empty. */
const RECHECK_MS = 1_000;
const PAGE = 200;
const FINALIZER = "kubernetes";

/** Empties namespaces that are being deleted, and lets them go when nothing is left. */
export class NamespaceController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #directory: ResourceDirectory;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers, directory: ResourceDirectory) {
    this.#ports = ports;
    this.#informers = informers;
    this.#directory = directory;
    this.#logger = ports.logger.child("namespace-controller");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 2,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    this.#listening.use(
      this.#informers.namespaces.listen(({ type, object }) => {
        if (type !== "deleted" && object.metadata.deletionTimestamp) this.#queue.add(objectKey(object));
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    const namespace = this.#informers.namespaces.cache.get(name);
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(FINALIZER)) return;
    const remaining: string[] = [];
    for (const resource of this.#directory.all().filter(({ namespaced }) => namespaced)) {
      const count = await this.#empty(resource, name, signal);
      const type = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
      if (count > 0) remaining.push(`${type} has ${count} resource instances`);
    }
    if (remaining.length > 0) {
      await this.#tellRemaining(namespace, remaining, signal);
      this.#queue.addAfter(name, RECHECK_MS);
      return;
    }
    const finalizers = namespace.spec.finalizers.filter((finalizer) => finalizer !== FINALIZER);
    const released: Namespace = { ...namespace, spec: { ...namespace.spec, finalizers } };
    // Without its version: the answer must not depend on conditions written meanwhile. The UID still guards it.
    const { resourceVersion: _, ...metadata } = released.metadata;
    const target = { resource: namespacesResource, name, subresource: "finalize" };
    try {
      await this.#ports.api.update(target, { ...released, metadata }, { signal });
      this.#logger.info("Namespace deleted with all that was in it", { namespace: name });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }

  /** Deletes all objects of a collection in the namespace; answers how many are still there. */
  async #empty(resource: ResourceReference, namespace: string, signal: AbortSignal): Promise<number> {
    const target = { resource, namespace };
    try {
      for (;;) {
        const { items } = await this.#ports.api.list(target, { limit: PAGE, signal });
        const doomed = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        if (doomed.length === 0) return items.length;
        for (const { metadata } of doomed) {
          const options = {
            preconditions: { uid: metadata.uid ?? "" },
            propagationPolicy: "Background",
            signal,
          } as const;
          await this.#ports.api.delete({ ...target, name: metadata.name }, options).catch((error: unknown) => {
            if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
          });
        }
      }
    } catch (error) {
      // A kind that this API server does not have (any longer) has no objects.
      if (isApiError(error, "NotFound") || isApiError(error, "MethodNotAllowed")) return 0;
      throw error;
    }
  }

  async #tellRemaining(namespace: Namespace, remaining: readonly string[], signal: AbortSignal): Promise<void> {
    const message = `Some resources are remaining: ${remaining.join(", ")}`;
    const before = namespace.status?.conditions;
    const current = findCondition(before, "NamespaceContentRemaining");
    if (current?.message === message) return;
    const condition: Condition = {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message,
      lastTransitionTime: current?.lastTransitionTime ?? toKubernetesTime(this.#ports.clock.now()),
    };
    const others = (before ?? []).filter(({ type }) => type !== condition.type);
    const conditions = withCondition(others, condition).map((each) => ({ ...each }));
    const target = { resource: namespacesResource, name: namespace.metadata.name, subresource: "status" };
    await this.#ports.api.patch(target, { type: "merge", body: { status: { conditions } } }, { signal });
  }
}
