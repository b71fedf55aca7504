import { type ConfigMap, configMaps as resource } from "@skerry/api";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { type ClusterInformers, ROOT_CA_CONFIG_MAP } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { isActiveNamespace } from "../namespace/namespace-state.ts";
import { createUnlessThere } from "./service-account-controller.ts";

/** Keeps the API server's CA certificate in a ConfigMap of each namespace, from where pods mount it. */
export class RootCaPublisher implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #rootCaPem: string;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers, rootCaPem: string) {
    this.#ports = ports;
    this.#informers = informers;
    this.#rootCaPem = rootCaPem;
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("root-ca-publisher"),
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { namespaces, rootCaConfigMaps } = this.#informers;
    this.#listening.use(namespaces.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#listening.use(rootCaConfigMaps.listen(({ object }) => this.#queue.add(object.metadata.namespace ?? "")));
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  async #sync(namespace: string, signal: AbortSignal): Promise<void> {
    const { namespaces, rootCaConfigMaps } = this.#informers;
    if (!isActiveNamespace(namespaces.cache.get(namespace))) return;
    const current = rootCaConfigMaps.cache.get(`${namespace}/${ROOT_CA_CONFIG_MAP}`);
    const data = { "ca.crt": this.#rootCaPem };
    if (!current) {
      const configMap: ConfigMap = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          name: ROOT_CA_CONFIG_MAP,
          namespace,
          annotations: {
            "kubernetes.io/description":
              "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
          },
        },
        data,
      };
      await createUnlessThere(this.#ports.api.create({ resource, namespace }, configMap, { signal }));
      return;
    }
    if (current.data?.["ca.crt"] === this.#rootCaPem && Object.keys(current.data).length === 1) return;
    try {
      const target = { resource, namespace, name: ROOT_CA_CONFIG_MAP };
      await this.#ports.api.update(target, { ...current, data }, { signal });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }
}
