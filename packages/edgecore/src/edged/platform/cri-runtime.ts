import { isSkerryError } from "@skerry/base";
import { GrpcCode } from "@skerry/grpc";
import { UnixGrpcClient, unixServerStream } from "@skerry/grpc/platform";
import { isUnknownToRuntime, runtimeCallFailed, runtimeTimeout, runtimeUnavailable } from "../errors.ts";
import {
  cpuLimitsCondition,
  memoryLimitsCondition,
  outboundCondition,
  seccompCondition,
} from "../pod/runtime-names.ts";
import type {
  ContainerConfig,
  ContainerRuntime,
  ExecResult,
  IncomingPart,
  LabelFilter,
  LinuxResources,
  ListedImage,
  RegistryCredentials,
  RuntimeContainer,
  RuntimeContainerStatus,
  RuntimeFeatures,
  RuntimeImage,
  Sandbox,
  SandboxConfig,
} from "../ports.ts";
import { processIdOf, signalProcess } from "./container-process.ts";
import { toContainerConfig, toLinuxResources, toSandboxConfig } from "./cri-config.ts";
import { imageMountpoint, incomingParts, listedImages, sandboxImage, takesGroupFolders } from "./cri-images.ts";
import { fromContainer, fromContainerStatus, fromHandler, fromImage, fromSandbox } from "./cri-results.ts";
import * as cri from "./generated/cri.ts";

const CALL_TIMEOUT_MS = 30_000;
/** Creating a sandbox includes its network, which may be slow on a small board. */
const SANDBOX_TIMEOUT_MS = 120_000;
const PULL_TIMEOUT_MS = 15 * 60_000;
/** containerd's own content service, on the same socket; Skerry's process runtime has this call too. */
const LIST_INCOMING = "/containerd.services.content.v1.Content/ListStatuses";
/** Where containerd keeps what belongs to CRI. */
const CRI_NAMESPACE = { "containerd-namespace": "k8s.io" };
const OUTPUT_LIMIT_BYTES = 10 * 1024;
const clientErrors = { unavailable: runtimeUnavailable, timeout: runtimeTimeout, failed: runtimeCallFailed };

/** The {@link ContainerRuntime} port over CRI v1 on a unix socket (containerd ≥ 1.6). */
export class CriRuntime implements ContainerRuntime {
  readonly #socketPath: string;
  readonly #client: UnixGrpcClient;
  #sandboxImage: string | undefined;

  /** @param endpoint path of the socket, with or without `unix://` */
  constructor(endpoint: string) {
    this.#socketPath = endpoint.replace(/^unix:(\/\/)?/, "");
    this.#client = new UnixGrpcClient(this.#socketPath, clientErrors);
  }

  async version(): Promise<{ readonly name: string; readonly version: string }> {
    const answer = await this.#runtime("Version", {}, cri.VersionRequest, cri.VersionResponse);
    return { name: answer.runtimeName ?? "", version: (answer.runtimeVersion ?? "").replace(/^v/, "") };
  }

  async status(): Promise<{ readonly ready: boolean; readonly message: string }> {
    const answer = await this.#runtime("Status", {}, cri.StatusRequest, cri.StatusResponse);
    const unmet = (answer.status?.conditions ?? []).filter(
      (condition) => !condition.status && (condition.type === "RuntimeReady" || condition.type === "NetworkReady"),
    );
    return {
      ready: unmet.length === 0,
      message: unmet.map((condition) => `${condition.type}: ${condition.message ?? ""}`).join("; "),
    };
  }

  async features(): Promise<RuntimeFeatures> {
    const bytes = await this.#verboseStatus();
    const answer = cri.StatusResponse.decode(bytes);
    const conditions = new Map((answer.status?.conditions ?? []).map((each) => [each.type, each]));
    const types = [cpuLimitsCondition, memoryLimitsCondition, outboundCondition, seccompCondition];
    const [cpu, memory, outbound, seccomp] = types.map((type) => conditions.get(type));
    return {
      onlyTheseGroups: answer.features?.supplementalGroupsPolicy ?? false,
      handlers: (answer.runtimeHandlers ?? []).map(fromHandler),
      noWayOut: outbound && !outbound.status ? outbound.message : undefined,
      limits: cpu && memory ? { cpu: cpu.status === true, memory: memory.status === true } : undefined,
      noSeccomp: seccomp && seccomp.status !== true,
      takesGroupFolders: takesGroupFolders(bytes),
    };
  }

  async listSandboxes(filter?: LabelFilter): Promise<Sandbox[]> {
    const request = filter ? { filter: { labelSelector: { ...filter } } } : {};
    const answer = await this.#runtime(
      "ListPodSandbox",
      request,
      cri.ListPodSandboxRequest,
      cri.ListPodSandboxResponse,
    );
    return (answer.items ?? []).map(fromSandbox);
  }

  async sandboxAddresses(sandboxId: string): Promise<string[]> {
    const answer = await this.#runtime(
      "PodSandboxStatus",
      { podSandboxId: sandboxId },
      cri.PodSandboxStatusRequest,
      cri.PodSandboxStatusResponse,
    );
    const network = answer.status?.network;
    const addresses = [network?.ip, ...(network?.additionalIps ?? []).map((entry) => entry.ip)];
    return addresses.filter((address): address is string => address !== undefined && address !== "");
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const answer = await this.#runtime(
      "RunPodSandbox",
      { config: toSandboxConfig(config), runtimeHandler: config.runtimeHandler },
      cri.RunPodSandboxRequest,
      cri.RunPodSandboxResponse,
      SANDBOX_TIMEOUT_MS,
    );
    return answer.podSandboxId ?? "";
  }

  async stopSandbox(sandboxId: string): Promise<void> {
    const request = { podSandboxId: sandboxId };
    await ignoringAbsence(
      this.#runtime(
        "StopPodSandbox",
        request,
        cri.StopPodSandboxRequest,
        cri.StopPodSandboxResponse,
        SANDBOX_TIMEOUT_MS,
      ),
    );
  }

  async removeSandbox(sandboxId: string): Promise<void> {
    const request = { podSandboxId: sandboxId };
    await ignoringAbsence(
      this.#runtime(
        "RemovePodSandbox",
        request,
        cri.RemovePodSandboxRequest,
        cri.RemovePodSandboxResponse,
        SANDBOX_TIMEOUT_MS,
      ),
    );
  }

  async listContainers(filter?: LabelFilter): Promise<RuntimeContainer[]> {
    const request = filter ? { filter: { labelSelector: { ...filter } } } : {};
    const answer = await this.#runtime(
      "ListContainers",
      request,
      cri.ListContainersRequest,
      cri.ListContainersResponse,
    );
    return (answer.containers ?? []).map(fromContainer);
  }

  async containerStatus(containerId: string): Promise<RuntimeContainerStatus | undefined> {
    const answer = await ignoringAbsence(
      this.#runtime("ContainerStatus", { containerId }, cri.ContainerStatusRequest, cri.ContainerStatusResponse),
    );
    return answer?.status && fromContainerStatus(answer.status);
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    const answer = await this.#runtime(
      "CreateContainer",
      { podSandboxId: sandboxId, config: toContainerConfig(config), sandboxConfig: toSandboxConfig(sandbox) },
      cri.CreateContainerRequest,
      cri.CreateContainerResponse,
      SANDBOX_TIMEOUT_MS,
    );
    return answer.containerId ?? "";
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#runtime(
      "StartContainer",
      { containerId },
      cri.StartContainerRequest,
      cri.StartContainerResponse,
      SANDBOX_TIMEOUT_MS,
    );
  }

  async stopContainer(containerId: string, gracePeriodSeconds: number): Promise<void> {
    await ignoringAbsence(
      this.#runtime(
        "StopContainer",
        { containerId, timeout: BigInt(Math.max(0, Math.ceil(gracePeriodSeconds))) },
        cri.StopContainerRequest,
        cri.StopContainerResponse,
        gracePeriodSeconds * 1000 + CALL_TIMEOUT_MS,
      ),
    );
  }

  async signalContainer(containerId: string, signal: string): Promise<void> {
    const answer = await ignoringAbsence(
      this.#runtime(
        "ContainerStatus",
        { containerId, verbose: true },
        cri.ContainerStatusRequest,
        cri.ContainerStatusResponse,
      ),
    );
    if (answer) signalProcess(processIdOf(answer.info ?? {}), signal);
  }

  async updateContainerResources(containerId: string, resources: LinuxResources): Promise<void> {
    await this.#runtime(
      "UpdateContainerResources",
      { containerId, linux: toLinuxResources(resources) },
      cri.UpdateContainerResourcesRequest,
      cri.UpdateContainerResourcesResponse,
    );
  }

  async removeContainer(containerId: string): Promise<void> {
    await ignoringAbsence(
      this.#runtime("RemoveContainer", { containerId }, cri.RemoveContainerRequest, cri.RemoveContainerResponse),
    );
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    await this.#runtime(
      "ReopenContainerLog",
      { containerId },
      cri.ReopenContainerLogRequest,
      cri.ReopenContainerLogResponse,
    );
  }

  watchContainers(onChange: () => void, signal: AbortSignal): Promise<void> {
    return unixServerStream({
      socketPath: this.#socketPath,
      method: "/runtime.v1.RuntimeService/GetContainerEvents",
      request: new Uint8Array(),
      errors: clientErrors,
      signal,
      onMessage: () => onChange(),
    });
  }

  async exec(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    const answer = await this.#runtime(
      "ExecSync",
      { containerId, cmd: [...command], timeout: BigInt(Math.max(1, Math.ceil(timeoutSeconds))) },
      cri.ExecSyncRequest,
      cri.ExecSyncResponse,
      timeoutSeconds * 1000 + 2000,
    );
    const output = Buffer.concat([answer.stdout ?? new Uint8Array(), answer.stderr ?? new Uint8Array()]);
    return { exitCode: answer.exitCode ?? 0, output: output.subarray(0, OUTPUT_LIMIT_BYTES).toString("utf8") };
  }

  async findImage(image: string): Promise<RuntimeImage | undefined> {
    const answer = await this.#image(
      "ImageStatus",
      { image: { image } },
      cri.ImageStatusRequest,
      cri.ImageStatusResponse,
    );
    return answer.image?.id ? fromImage(answer.image) : undefined;
  }

  async listImages(): Promise<ListedImage[]> {
    // Runtimes before containerd 1.7 do not say which image their sandboxes are made from.
    this.#sandboxImage ??= sandboxImage(await this.#verboseStatus());
    const answer = await this.#raw("/runtime.v1.ImageService/ListImages", new Uint8Array());
    const needed = this.#sandboxImage;
    return listedImages(answer).map((image) => ({ ...image, pinned: image.pinned || image.repoTags.includes(needed) }));
  }

  async removeImage(imageId: string): Promise<void> {
    const request = { image: { image: imageId } };
    await ignoringAbsence(
      this.#image("RemoveImage", request, cri.RemoveImageRequest, cri.RemoveImageResponse, SANDBOX_TIMEOUT_MS),
    );
  }

  async imageFileSystemPath(): Promise<string | undefined> {
    return imageMountpoint(await this.#raw("/runtime.v1.ImageService/ImageFsInfo", new Uint8Array()));
  }

  async incomingParts(): Promise<readonly IncomingPart[] | undefined> {
    try {
      return incomingParts(await this.#raw(LIST_INCOMING, new Uint8Array(), CRI_NAMESPACE));
    } catch (error) {
      if (isUnknownToRuntime(error)) return undefined;
      throw error;
    }
  }

  async pullImage(image: string, credentials: RegistryCredentials | undefined, signal?: AbortSignal): Promise<string> {
    const request = { image: { image }, ...(credentials ? { auth: { ...credentials } } : {}) };
    const answer = await this.#image(
      "PullImage",
      request,
      cri.PullImageRequest,
      cri.PullImageResponse,
      PULL_TIMEOUT_MS,
      signal,
    );
    return answer.imageRef ?? "";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  #verboseStatus(): Promise<Uint8Array> {
    return this.#raw("/runtime.v1.RuntimeService/Status", cri.StatusRequest.encode({ verbose: true }).finish());
  }

  /** A call whose answer has parts that the generated code leaves out. */
  #raw(method: string, request: Uint8Array, metadata?: Readonly<Record<string, string>>): Promise<Uint8Array> {
    return this.#client.call({ method, request, timeoutMs: CALL_TIMEOUT_MS, metadata });
  }

  #runtime<Request, Response>(
    method: string,
    request: Request,
    requestType: cri.MessageFns<Request>,
    responseType: cri.MessageFns<Response>,
    timeoutMs: number = CALL_TIMEOUT_MS,
  ): Promise<Response> {
    return this.#call(`/runtime.v1.RuntimeService/${method}`, request, requestType, responseType, timeoutMs);
  }

  #image<Request, Response>(
    method: string,
    request: Request,
    requestType: cri.MessageFns<Request>,
    responseType: cri.MessageFns<Response>,
    timeoutMs: number = CALL_TIMEOUT_MS,
    signal?: AbortSignal,
  ): Promise<Response> {
    return this.#call(`/runtime.v1.ImageService/${method}`, request, requestType, responseType, timeoutMs, signal);
  }

  async #call<Request, Response>(
    method: string,
    request: Request,
    requestType: cri.MessageFns<Request>,
    responseType: cri.MessageFns<Response>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response> {
    const encoded = requestType.encode(request).finish();
    return responseType.decode(await this.#client.call({ method, request: encoded, timeoutMs, signal }));
  }
}

/** What is already gone need not be stopped, removed or asked for. */
async function ignoringAbsence<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isSkerryError(error, "RUNTIME_CALL_FAILED") && error.details["grpcCode"] === GrpcCode.notFound)
      return undefined;
    throw error;
  }
}
