import {
  configMaps,
  type Device,
  type DeviceModel,
  deviceModels,
  devices,
  type KubernetesObject,
  nodes,
  type Pod,
  pods,
  type ResourceReference,
  secrets,
  services,
} from "@skerry/api";
import { type JsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import type { KubernetesApi } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { Message } from "@skerry/link";
import { type CloudControllers, type CloudControllersOptions, startCloudControllers } from "../cloud-controllers.ts";
import { ScriptedCloudHub } from "./scripted-cloud-hub.ts";

/** The controllers over an API in memory, with a test in the place of CloudHub. */
export class CloudWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly hub: ScriptedCloudHub = new ScriptedCloudHub();
  /** The truth; what the controllers see of it can be wrapped. */
  readonly memory: MemoryKubernetesApi = new MemoryKubernetesApi({ now: () => this.clock.now() });
  readonly #api: KubernetesApi;
  #controllers: CloudControllers | undefined;
  #sent = 0;
  /** Whether this CloudCore leads among its replicas. */
  isLeader = true;

  readonly #router: CloudControllersOptions["router"];

  /** `router`: what Rules' messages to HTTP services go through. */
  constructor(
    wrap: (api: KubernetesApi) => KubernetesApi = (api) => api,
    router: CloudControllersOptions["router"] = undefined,
  ) {
    this.#api = wrap(this.memory);
    this.#router = router;
  }

  get controllers(): CloudControllers {
    if (!this.#controllers) throw new Error("the controllers are not started");
    return this.#controllers;
  }

  async start(): Promise<this> {
    this.#controllers = await startCloudControllers({
      api: this.#api,
      cloudHub: this.hub,
      clock: this.clock,
      random: new SeededRandom(this.#sent + 1),
      logger: silentLogger,
      installCustomResources: false,
      isLeader: () => this.isLeader,
      taskManager: true,
      ...(this.#router ? { router: this.#router } : {}),
    });
    await settle();
    return this;
  }

  /** CloudCore dies and starts anew; its nodes are gone. */
  async restart(): Promise<void> {
    await this.stop();
    for (const nodeName of [...this.hub.connectedNodes]) this.hub.disconnect(nodeName);
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#controllers?.[Symbol.asyncDispose]();
    this.#controllers = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** A node sends a message; answers what EdgeController replies, with the version in its header. */
  async ask(
    nodeName: string,
    operation: string,
    resource: string,
    content: JsonValue = null,
  ): Promise<{ content: JsonValue; resourceVersion?: string }[]> {
    const replies: { content: JsonValue; resourceVersion?: string }[] = [];
    const message = this.message({ source: "edged", group: "meta", operation, resource }, content);
    await this.controllers.handlers.edgeController.handle(nodeName, message, (reply, options = {}) => {
      replies.push({ content: structuredClone(reply), ...options });
    });
    await settle();
    return replies;
  }

  /** A node's DeviceTwin sends a message. */
  async report(nodeName: string, resource: string, content: JsonValue, operation = "update"): Promise<Message> {
    const message = this.message({ source: "twin", group: "resource", operation, resource }, content);
    await this.controllers.handlers.deviceController.handle(nodeName, message, () => {
      throw new Error("device messages are answered on a resource of their own");
    });
    await settle();
    return message;
  }

  message(route: Message["route"], content: JsonValue): Message {
    this.#sent++;
    return { header: { msg_id: `sent-${this.#sent}`, timestamp: this.clock.now() }, route, content };
  }

  async create<T extends KubernetesObject>(resource: ResourceReference, object: object): Promise<T> {
    const full = object as T;
    const namespace = full.metadata.namespace;
    const created = await this.memory.create<T>({ resource, ...(namespace ? { namespace } : {}) }, full);
    await settle();
    return created;
  }

  createNode(name: string): Promise<KubernetesObject> {
    return this.create(nodes, {
      metadata: { name, labels: { "node-role.kubernetes.io/edge": "" } },
      spec: {},
      status: {},
    });
  }

  createPod(name: string, spec: Partial<Pod["spec"]>): Promise<Pod> {
    return this.create(pods, { metadata: { name, namespace: "plant" }, spec: { containers: [], ...spec } });
  }

  createConfigMap(name: string, data: JsonObject = {}): Promise<KubernetesObject> {
    return this.create(configMaps, { metadata: { name, namespace: "plant" }, data });
  }

  createSecret(name: string): Promise<KubernetesObject> {
    return this.create(secrets, { metadata: { name, namespace: "plant" }, data: {} });
  }

  createService(name: string, namespace = "plant"): Promise<KubernetesObject> {
    return this.create(services, { metadata: { name, namespace }, spec: { ports: [{ port: 80 }] }, status: {} });
  }

  createModel(name: string, ...properties: string[]): Promise<DeviceModel> {
    return this.create(deviceModels, {
      metadata: { name, namespace: "plant" },
      spec: { properties: properties.map((property) => ({ name: property })) },
    });
  }

  createDevice(name: string, spec: Device["spec"]): Promise<Device> {
    return this.create(devices, { metadata: { name, namespace: "plant" }, spec });
  }

  async patch(resource: ResourceReference, name: string, body: JsonValue, subresource?: string): Promise<void> {
    await this.memory.patch(
      {
        resource,
        ...(resource.namespaced ? { namespace: "plant" } : {}),
        name,
        ...(subresource ? { subresource } : {}),
      },
      { type: "merge", body },
    );
    await settle();
  }

  async delete(resource: ResourceReference, name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.memory.delete(
      { resource, ...(resource.namespaced ? { namespace: "plant" } : {}), name },
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    );
    await settle();
  }

  async connect(nodeName: string): Promise<void> {
    this.hub.connect(nodeName);
    await settle();
  }

  /** Everything that the API holds of a kind, by name. */
  async stored<T extends KubernetesObject>(resource: ResourceReference): Promise<T[]> {
    return (await this.memory.list<T>({ resource })).items;
  }
}
