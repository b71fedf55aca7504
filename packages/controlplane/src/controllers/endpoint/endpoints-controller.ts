import {
  endpointSlices,
  endpoints as endpointsResource,
  type KubernetesObject,
  type Pod,
  type ResourceReference,
  type Service,
} from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { asJson, isApiError, jsonEqual, matchesLabels, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { controllerReference } from "../owner-references.ts";
import { endpointSubsets, serviceBackends, sliceEndpoints } from "./service-endpoints.ts";

/** Keeps Endpoints and one EndpointSlice for each service with a selector. */
export class EndpointsController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("endpoints-controller"),
      concurrency: 2,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { services, pods } = this.#informers;
    this.#listening.use(services.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#listening.use(
      pods.listen((event) => {
        this.#enqueueServicesOf(event.object);
        if (
          event.type === "updated" &&
          !jsonEqual(event.before.metadata.labels ?? {}, event.object.metadata.labels ?? {})
        )
          this.#enqueueServicesOf(event.before);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  #enqueueServicesOf(pod: Pod): void {
    for (const service of this.#informers.services.cache.byIndex(BY_NAMESPACE, pod.metadata.namespace ?? "")) {
      if (selects(service, pod)) this.#queue.add(objectKey(service));
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const service = this.#informers.services.cache.get(key);
    // Both objects are owned by the service: the garbage collector removes them with it.
    if (!service || service.metadata.deletionTimestamp || Object.keys(service.spec.selector ?? {}).length === 0) return;
    const { namespace = "", name } = service.metadata;
    const pods = this.#informers.pods.cache.byIndex(BY_NAMESPACE, namespace).filter((pod) => selects(service, pod));
    const backends = serviceBackends(service, pods);
    const labels = service.metadata.labels ?? {};
    await this.#write(
      endpointsResource,
      {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata: { name, namespace, labels, ownerReferences: [controllerReference(service)] },
      },
      { subsets: endpointSubsets(backends) },
      signal,
    );
    await this.#write(
      endpointSlices,
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${name}-endpoints`,
          namespace,
          labels: {
            ...labels,
            "kubernetes.io/service-name": name,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
          ownerReferences: [controllerReference(service)],
        },
      },
      {
        addressType: "IPv4",
        endpoints: sliceEndpoints(backends),
        ports: backends.ports.map(({ name: portName = "", ...port }) => ({ name: portName, ...port })),
      },
      signal,
    );
  }

  async #write(
    resource: ResourceReference,
    object: KubernetesObject,
    content: JsonObject,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = "", name } = object.metadata;
    const target = { resource, namespace, name };
    const wanted = { ...object, ...content };
    try {
      const current = await this.#ports.api.get(target, signal);
      const json = asJson(current);
      const isSame =
        Object.entries(content).every(([member, value]) => jsonEqual(json[member] ?? [], value)) &&
        jsonEqual(current.metadata.labels ?? {}, object.metadata.labels ?? {});
      if (!isSame) {
        const metadata = { ...object.metadata, resourceVersion: current.metadata.resourceVersion ?? "" };
        await this.#ports.api.update(target, { ...wanted, metadata }, { signal });
      }
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      await this.#ports.api.create({ resource, namespace }, wanted, { signal });
    }
  }
}

function selects(service: Service, pod: Pod): boolean {
  const entries = Object.entries(service.spec.selector ?? {});
  const requirements = entries.map(([key, value]) => ({ operator: "In", key, values: [value] }) as const);
  return entries.length > 0 && matchesLabels(requirements, pod.metadata.labels);
}
