import { type KubernetesObject, serviceAccounts as resource, type ServiceAccount } from "@skerry/api";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { isActiveNamespace, isNamespaceGoing } from "../namespace/namespace-state.ts";

/** Keeps a ServiceAccount `default` in each namespace. */
export class ServiceAccountController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("serviceaccount-controller"),
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { namespaces, serviceAccounts } = this.#informers;
    this.#listening.use(namespaces.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#listening.use(
      serviceAccounts.listen(({ type, object }) => {
        if (type === "deleted") this.#queue.add(object.metadata.namespace ?? "");
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  async #sync(namespace: string, signal: AbortSignal): Promise<void> {
    const { namespaces, serviceAccounts } = this.#informers;
    if (!isActiveNamespace(namespaces.cache.get(namespace)) || serviceAccounts.cache.get(`${namespace}/default`))
      return;
    const account: ServiceAccount = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace },
    };
    await createUnlessThere(this.#ports.api.create({ resource, namespace }, account, { signal }));
  }
}

/** Takes "it is there already" and "its namespace is going" for done. */
export async function createUnlessThere(creation: Promise<KubernetesObject>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (isApiError(error, "AlreadyExists") || isApiError(error, "NotFound") || isNamespaceGoing(error)) return;
    throw error;
  }
}
