import {
  endpointSlices,
  endpoints as endpointsResource,
  type IpFamily,
  type KubernetesObject,
  type Pod,
  type ResourceReference,
  type Service,
} from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { asJson, isApiError, jsonEqual, matchesLabels, objectKey, WorkQueue } from "@skerry/kube";
import { SLICE_LIMIT } from "../../registry/kinds/endpoint-slice.ts";
import { BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { controllerReference } from "../owner-references.ts";
import {
  endpointSubsets,
  IP_FAMILIES,
  ipFamilies,
  isOverCapacity,
  type ServiceBackends,
  serviceBackends,
  sliceEndpoints,
} from "./service-endpoints.ts";

const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const SERVICE_NAME = "kubernetes.io/service-name";
const CONTROLLER = "endpointslice-controller.k8s.io";
/** As Kubernetes marks an Endpoints object that does not list all. */
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";

/** Keeps Endpoints, and as many EndpointSlices as are needed, for each service with a selector. */
export class EndpointsController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #queue: WorkQueue;
  /** How many slices each service has of each family; missing for those that this process has not looked at yet. */
  readonly #sliceCounts = new Map<string, number>();
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
    this.#listening.use(
      services.listen(({ type, object }) => {
        if (type === "deleted") for (const family of IP_FAMILIES) this.#sliceCounts.delete(sliceKey(object, family));
        this.#queue.add(objectKey(object));
      }),
    );
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
    // What is written is owned by the service: the garbage collector removes it with it.
    if (!service || service.metadata.deletionTimestamp || Object.keys(service.spec.selector ?? {}).length === 0) return;
    const { namespace = "", name } = service.metadata;
    const pods = this.#informers.pods.cache.byIndex(BY_NAMESPACE, namespace).filter((pod) => selects(service, pod));
    const families = ipFamilies(service);
    const backends = serviceBackends(service, pods, families[0]);
    const labels = service.metadata.labels ?? {};
    const annotations = isOverCapacity(backends) ? { annotations: { [OVER_CAPACITY]: "truncated" } } : {};
    await this.#write(
      endpointsResource,
      {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata: { name, namespace, labels, ...annotations, ownerReferences: [controllerReference(service)] },
      },
      { subsets: endpointSubsets(backends) },
      signal,
    );
    for (const family of IP_FAMILIES)
      await this.#writeSlices(
        service,
        family,
        families.includes(family) ? serviceBackends(service, pods, family) : undefined,
        signal,
      );
  }

  /** @param backends left out: the service has none of this family any more */
  async #writeSlices(
    service: Service,
    family: IpFamily,
    backends: ServiceBackends | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = "", name, labels = {} } = service.metadata;
    const endpoints = backends ? sliceEndpoints(backends) : [];
    const ports = (backends?.ports ?? []).map(({ name: portName = "", ...port }) => ({ name: portName, ...port }));
    const count = backends ? Math.max(1, Math.ceil(endpoints.length / SLICE_LIMIT)) : 0;
    const key = sliceKey(service, family);
    // Should a write fail, there may be more of them than are known of.
    if (count > (this.#sliceCounts.get(key) ?? 0)) this.#sliceCounts.delete(key);
    for (let index = 0; index < count; index++)
      await this.#write(
        endpointSlices,
        {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            name: sliceName(name, family, index),
            namespace,
            labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: CONTROLLER },
            ownerReferences: [controllerReference(service)],
          },
        },
        { addressType: family, endpoints: endpoints.slice(index * SLICE_LIMIT, (index + 1) * SLICE_LIMIT), ports },
        signal,
      );
    await this.#removeFurtherSlices(service, family, count, signal);
  }

  /** Removes slices that a service had when it was larger. */
  async #removeFurtherSlices(service: Service, family: IpFamily, count: number, signal: AbortSignal): Promise<void> {
    const key = sliceKey(service, family);
    const known = this.#sliceCounts.get(key) ?? Number.POSITIVE_INFINITY;
    for (let index = count; index < known; index++)
      if (!(await this.#removeSlice(service, sliceName(service.metadata.name, family, index), signal))) break;
    // The service may have gone meanwhile, and what is known of it with it.
    if (this.#informers.services.cache.get(objectKey(service))) this.#sliceCounts.set(key, count);
  }

  /** Whether there was one of the service's. */
  async #removeSlice(service: Service, name: string, signal: AbortSignal): Promise<boolean> {
    const { namespace = "" } = service.metadata;
    const target = { resource: endpointSlices, namespace, name };
    try {
      const { metadata } = await this.#ports.api.get(target, signal);
      const { labels = {}, uid = "" } = metadata;
      if (labels[MANAGED_BY] !== CONTROLLER || labels[SERVICE_NAME] !== service.metadata.name) return false;
      await this.#ports.api.delete(target, { preconditions: { uid }, signal });
      return true;
    } catch (error) {
      if (isApiError(error, "NotFound")) return false;
      throw error;
    }
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
        jsonEqual(current.metadata.labels ?? {}, object.metadata.labels ?? {}) &&
        current.metadata.annotations?.[OVER_CAPACITY] === object.metadata.annotations?.[OVER_CAPACITY];
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

function sliceName(serviceName: string, family: IpFamily, index: number): string {
  return `${serviceName}-endpoints${family === "IPv4" ? "" : "-ipv6"}${index === 0 ? "" : `-${index + 1}`}`;
}

function sliceKey(service: KubernetesObject, family: IpFamily): string {
  return `${objectKey(service)} ${family}`;
}

function selects(service: Service, pod: Pod): boolean {
  const entries = Object.entries(service.spec.selector ?? {});
  const requirements = entries.map(([key, value]) => ({ operator: "In", key, values: [value] }) as const);
  return entries.length > 0 && matchesLabels(requirements, pod.metadata.labels);
}
