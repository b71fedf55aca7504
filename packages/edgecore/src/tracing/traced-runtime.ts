import type { SpanAttributes, Tracer } from "@skerry/base";
import type { ContainerConfig, ContainerRuntime, SandboxConfig } from "../edged/index.ts";

/** Sandboxes, containers and images whose pod is remembered; beyond it the oldest is forgotten. */
const MAX_KNOWN = 1_024;

type Pod = Pick<SandboxConfig, "namespace" | "name">;

/** A container runtime whose calls for a pod are spans of the trace that the pod came with; all other calls pass. */
export class TracedRuntime implements ContainerRuntime {
  readonly #behind: ContainerRuntime;
  readonly #tracer: Tracer;
  readonly #traceOf: (namespace: string, pod: string) => string | undefined;
  /** Whose a container is, by its id. */
  readonly #pods = new Map<string, Pod>();

  constructor(
    behind: ContainerRuntime,
    tracer: Tracer,
    traceOf: (namespace: string, pod: string) => string | undefined,
  ) {
    this.#behind = behind;
    this.#tracer = tracer;
    this.#traceOf = traceOf;
  }

  runSandbox(config: SandboxConfig): Promise<string> {
    return this.#trace("run sandbox", config, {}, async () =>
      this.#know(await this.#behind.runSandbox(config), config),
    );
  }

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    const attributes = { "k8s.container.name": config.name, "container.image.name": config.image };
    return this.#trace("create container", sandbox, attributes, async () =>
      this.#know(await this.#behind.createContainer(sandboxId, config, sandbox), sandbox),
    );
  }

  startContainer(containerId: string): Promise<void> {
    return this.#trace("start container", this.#pods.get(containerId), { "container.id": containerId }, () =>
      this.#behind.startContainer(containerId),
    );
  }

  stopContainer(containerId: string, gracePeriodSeconds: number): Promise<void> {
    return this.#trace("stop container", this.#pods.get(containerId), { "container.id": containerId }, () =>
      this.#behind.stopContainer(containerId, gracePeriodSeconds),
    );
  }

  stopSandbox(sandboxId: string): Promise<void> {
    return this.#trace("stop sandbox", this.#pods.get(sandboxId), {}, () => this.#behind.stopSandbox(sandboxId));
  }

  removeSandbox: ContainerRuntime["removeSandbox"] = (id) => this.#behind.removeSandbox(id);
  removeContainer: ContainerRuntime["removeContainer"] = (id) => this.#behind.removeContainer(id);
  version: ContainerRuntime["version"] = () => this.#behind.version();
  status: ContainerRuntime["status"] = () => this.#behind.status();
  features: ContainerRuntime["features"] = () => this.#behind.features();
  signalContainer: ContainerRuntime["signalContainer"] = (...call) => this.#behind.signalContainer(...call);
  updateContainerResources: ContainerRuntime["updateContainerResources"] = (...call) =>
    this.#behind.updateContainerResources(...call);
  listSandboxes: ContainerRuntime["listSandboxes"] = (filter) => this.#behind.listSandboxes(filter);
  sandboxAddresses: ContainerRuntime["sandboxAddresses"] = (id) => this.#behind.sandboxAddresses(id);
  listContainers: ContainerRuntime["listContainers"] = (filter) => this.#behind.listContainers(filter);
  containerStatus: ContainerRuntime["containerStatus"] = (id) => this.#behind.containerStatus(id);
  reopenContainerLog: ContainerRuntime["reopenContainerLog"] = (id) => this.#behind.reopenContainerLog(id);
  watchContainers: ContainerRuntime["watchContainers"] = (...call) => this.#behind.watchContainers(...call);
  exec: ContainerRuntime["exec"] = (...call) => this.#behind.exec(...call);
  findImage: ContainerRuntime["findImage"] = (image) => this.#behind.findImage(image);
  listImages: ContainerRuntime["listImages"] = () => this.#behind.listImages();
  removeImage: ContainerRuntime["removeImage"] = (id) => this.#behind.removeImage(id);
  imageFileSystemPath: ContainerRuntime["imageFileSystemPath"] = () => this.#behind.imageFileSystemPath();
  incomingParts: ContainerRuntime["incomingParts"] = () => this.#behind.incomingParts();
  pullImage: ContainerRuntime["pullImage"] = (...call) => this.#behind.pullImage(...call);

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#behind[Symbol.asyncDispose]();
  }

  #trace<T>(call: string, pod: Pod | undefined, attributes: SpanAttributes, work: () => Promise<T>): Promise<T> {
    const parent = pod && this.#traceOf(pod.namespace, pod.name);
    if (!pod || parent === undefined) return work();
    const all = { "k8s.namespace.name": pod.namespace, "k8s.pod.name": pod.name, ...attributes };
    return this.#tracer.measure(call, { kind: "client", parent, attributes: all }, work);
  }

  #know(id: string, { namespace, name }: Pod): string {
    this.#pods.set(id, { namespace, name });
    for (const [oldest] of this.#pods) {
      if (this.#pods.size <= MAX_KNOWN) break;
      this.#pods.delete(oldest);
    }
    return id;
  }
}
