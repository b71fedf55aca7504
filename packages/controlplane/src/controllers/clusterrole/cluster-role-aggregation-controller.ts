import { clusterRoles as resource } from "@skerry/api";
import { Informer, isApiError, WorkQueue } from "@skerry/kube";
import { withoutManagedFields } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { aggregatedRules, type ClusterRole } from "./aggregated-rules.ts";

const FIELD_MANAGER = "clusterrole-aggregation-controller";

/** Gives ClusterRoles with an `aggregationRule` the rules of those that it selects. */
export class ClusterRoleAggregationController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informer: Informer<ClusterRole>;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts) {
    this.#ports = ports;
    this.#informer = new Informer({ ...ports, target: { resource }, transform: withoutManagedFields });
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("clusterrole-aggregation"),
      work: (name, signal) => this.#sync(name, signal),
    });
  }

  start(): void {
    // Roles are few and each may concern each.
    this.#listening.use(
      this.#informer.listen(() => {
        for (const { metadata, aggregationRule } of this.#informer.cache.list())
          if (aggregationRule) this.#queue.add(metadata.name);
      }),
    );
    this.#informer.start();
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#informer[Symbol.asyncDispose]();
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    // Before all roles are known the sum would be too small.
    await this.#informer.whenSynced(signal);
    const role = this.#informer.cache.get(name);
    if (!role) return;
    const rules = aggregatedRules(role, this.#informer.cache.list());
    if (!rules) return;
    const { uid = "" } = role.metadata;
    try {
      // Not applied as Kubernetes does it: that would make a role anew which was deleted meanwhile.
      const patch = { type: "merge", body: { metadata: { uid }, rules } } as const;
      await this.#ports.api.patch({ resource, name }, patch, { signal, fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}
