import {
  apiVersionOf,
  type KubernetesObject,
  type ObjectList,
  type Pod,
  pods,
  type ResourceReference,
} from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import {
  ApiError,
  type CollectionTarget,
  failureStatus,
  type Informer,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { type ClusterInformers, createClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";

/** An in-memory API server whose watches can be held back and whose creations can be disturbed. */
export class DisturbedApi extends MemoryKubernetesApi {
  beforeCreate: ((object: KubernetesObject) => void) | undefined;
  /** A throw here is an answer that never came though the object was created. */
  afterCreate: ((object: KubernetesObject) => void) | undefined;
  #held: { readonly resource: ResourceReference; readonly gate: PromiseWithResolvers<void> } | undefined;

  /** Watches of this collection bring nothing until they are released. */
  holdWatches(resource: ResourceReference): void {
    this.#held = { resource, gate: Promise.withResolvers<void>() };
  }

  releaseWatches(): void {
    this.#held?.gate.resolve();
    this.#held = undefined;
  }

  forbidden(message: string): ApiError {
    return new ApiError(failureStatus(403, "Forbidden", message));
  }

  override async create<T extends KubernetesObject>(
    target: CollectionTarget,
    object: T,
    options?: WriteOptions,
  ): Promise<T> {
    this.beforeCreate?.({ ...object, apiVersion: apiVersionOf(target.resource) });
    const created = await super.create(target, object, options);
    this.afterCreate?.(created);
    return created;
  }

  override watch<T extends KubernetesObject>(
    target: CollectionTarget,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    return this.#gated(target, super.watch<T>(target, options), options.signal);
  }

  async *#gated<T extends KubernetesObject>(
    target: CollectionTarget,
    events: AsyncIterable<WatchEvent<T>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent<T>> {
    const stopped = new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
    for await (const event of events) {
      if (this.#held?.resource === target.resource) await Promise.race([this.#held.gate.promise, stopped]);
      yield event;
    }
  }
}

/** Controllers on an in-memory API and a clock that a test moves. */
export interface ControllerWorld extends AsyncDisposable {
  readonly api: DisturbedApi;
  readonly clock: ManualClock;
  readonly informers: ClusterInformers;
}

/** Starts the given controllers on an empty cluster, or on what `prepare` put there. */
export async function controllerWorld(
  create: (ports: ControllerPorts, informers: ClusterInformers) => readonly Controller[],
  prepare?: (api: DisturbedApi) => Promise<void>,
): Promise<ControllerWorld> {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const api = new DisturbedApi({ now: () => clock.now() });
  await prepare?.(api);
  const ports: ControllerPorts = { api, clock, random: new SeededRandom(7), logger: silentLogger };
  const informers = createClusterInformers(ports);
  const all: Informer<never>[] = Object.values(informers);
  for (const informer of all) informer.start();
  await Promise.all(all.map((informer) => informer.whenSynced()));
  const controllers = create(ports, informers);
  for (const controller of controllers) controller.start();
  await clock.settle();
  return {
    api,
    clock,
    informers,
    async [Symbol.asyncDispose]() {
      api.releaseWatches();
      for (const controller of controllers) await controller[Symbol.asyncDispose]();
      for (const informer of all) await informer[Symbol.asyncDispose]();
    },
  };
}

/** Plays the nodes' agents: makes all active pods Running and ready, and removes those being deleted. */
export async function playKubelet(
  world: Pick<ControllerWorld, "clock"> & { readonly api: MemoryKubernetesApi },
): Promise<void> {
  const list: ObjectList<Pod> = await world.api.list<Pod>({ resource: pods });
  for (const pod of list.items) {
    const target = { resource: pods, namespace: pod.metadata.namespace ?? "", name: pod.metadata.name };
    if (pod.metadata.deletionTimestamp !== undefined) {
      await world.api.delete(target, { gracePeriodSeconds: 0 });
      continue;
    }
    if (pod.status?.conditions?.some(({ type }) => type === "Ready")) continue;
    const lastTransitionTime = new Date(world.clock.now()).toISOString();
    await world.api.patch(
      { ...target, subresource: "status" },
      {
        type: "merge",
        body: { status: { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] } },
      },
    );
  }
  await world.clock.settle();
}
