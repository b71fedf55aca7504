import { isSkerryError } from "@skerry/base";
import { type CallStatus, GrpcCode, type UnaryMethod } from "@skerry/grpc";
import * as cri from "../../edged/platform/generated/cri.ts";
import { needsEngine } from "../errors.ts";
import { RUNTIME_NAME, RUNTIME_VERSION } from "../version.ts";
import type { Container } from "./container-record.ts";
import { encodeContainerStats, encodeImageFolder } from "./container-stats.ts";
import type { Containers } from "./containers.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { pullImage } from "./registry-client.ts";
import { runTool } from "./run-tool.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import { WritableLayers } from "./writable-layers.ts";

/** What the service is about. */
export interface CriServicePorts {
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
  readonly images: ImageStore;
}

type Labels = Readonly<Record<string, string>>;

const NANOS_PER_MS = 1_000_000n;
const DEFAULT_EXEC_SECONDS = 60;
const EXEC_OUTPUT_BYTES = 1024 * 1024;
const SIGTERM_GRACE_MS = 2_000;

/** The unary methods of the Container Runtime Interface v1 that Edged calls, by their paths. */
export function criMethods(ports: CriServicePorts): Map<string, UnaryMethod> {
  return new Map([...runtimeMethods(ports), ...imageMethods(ports)]);
}

/** What a failed call tells the caller. */
export function criStatus(error: unknown): CallStatus {
  const message = error instanceof Error ? error.message : String(error);
  if (isSkerryError(error, "PROCESS_RUNTIME_NOT_FOUND")) return { code: GrpcCode.notFound, message };
  return { code: GrpcCode.unknown, message };
}

function runtimeMethods(ports: CriServicePorts): [string, UnaryMethod][] {
  const { sandboxes, containers } = ports;
  const layers = new WritableLayers();
  const at = (method: string): string => `/runtime.v1.RuntimeService/${method}`;
  return [
    [
      at("Version"),
      serve(cri.VersionRequest, cri.VersionResponse, async () => ({
        version: "0.1.0",
        runtimeName: RUNTIME_NAME,
        runtimeVersion: RUNTIME_VERSION,
        runtimeApiVersion: "v1",
      })),
    ],
    [
      at("Status"),
      serve(cri.StatusRequest, cri.StatusResponse, async () => ({ status: { conditions: [...CONDITIONS] } })),
    ],
    [
      at("RunPodSandbox"),
      serve(cri.RunPodSandboxRequest, cri.RunPodSandboxResponse, async ({ config = {} }) => ({
        podSandboxId: (await sandboxes.run(config)).id,
      })),
    ],
    [
      at("StopPodSandbox"),
      serve(cri.StopPodSandboxRequest, cri.StopPodSandboxResponse, async ({ podSandboxId = "" }) => {
        await stopContainersOf(containers, podSandboxId);
        await sandboxes.stop(podSandboxId);
        return {};
      }),
    ],
    [
      at("RemovePodSandbox"),
      serve(cri.RemovePodSandboxRequest, cri.RemovePodSandboxResponse, async ({ podSandboxId = "" }) => {
        for (const { id, sandboxId } of containers.list()) if (sandboxId === podSandboxId) await containers.remove(id);
        await sandboxes.remove(podSandboxId);
        return {};
      }),
    ],
    [
      at("PodSandboxStatus"),
      serve(cri.PodSandboxStatusRequest, cri.PodSandboxStatusResponse, async ({ podSandboxId = "" }) => {
        const sandbox = sandboxes.get(podSandboxId);
        const network = sandbox.address === undefined ? {} : { network: { ip: sandbox.address, additionalIps: [] } };
        return { status: { ...sandboxItem(sandbox, sandboxes.isReady(sandbox)), ...network } };
      }),
    ],
    [
      at("ListPodSandbox"),
      serve(cri.ListPodSandboxRequest, cri.ListPodSandboxResponse, async ({ filter }) => ({
        items: sandboxes
          .list()
          .filter((each) => fits(filter, each.id, each.config.labels))
          .map((each) => sandboxItem(each, sandboxes.isReady(each))),
      })),
    ],
    [
      at("CreateContainer"),
      serve(cri.CreateContainerRequest, cri.CreateContainerResponse, async (request) => ({
        containerId: (await containers.create(request)).id,
      })),
    ],
    [
      at("StartContainer"),
      serve(cri.StartContainerRequest, cri.StartContainerResponse, async ({ containerId = "" }) => {
        await containers.start(containerId);
        return {};
      }),
    ],
    [
      at("StopContainer"),
      serve(cri.StopContainerRequest, cri.StopContainerResponse, async ({ containerId = "", timeout = 0n }) => {
        await containers.stop(containerId, Number(timeout) * 1000);
        return {};
      }),
    ],
    [
      at("RemoveContainer"),
      serve(cri.RemoveContainerRequest, cri.RemoveContainerResponse, async ({ containerId = "" }) => {
        await containers.remove(containerId);
        return {};
      }),
    ],
    [
      at("ListContainers"),
      serve(cri.ListContainersRequest, cri.ListContainersResponse, async ({ filter }) => ({
        containers: containers
          .list()
          .filter((each) => fits(filter, each.id, each.config.labels))
          .filter((each) => !filter?.podSandboxId || filter.podSandboxId === each.sandboxId)
          .map(containerItem),
      })),
    ],
    [
      at("ContainerStatus"),
      serve(cri.ContainerStatusRequest, cri.ContainerStatusResponse, async ({ containerId = "", verbose }) => {
        const container = containers.get(containerId);
        return { status: containerStatus(container), info: verbose ? containerInfo(container) : {} };
      }),
    ],
    [
      at("ReopenContainerLog"),
      serve(cri.ReopenContainerLogRequest, cri.ReopenContainerLogResponse, async ({ containerId = "" }) => {
        containers.reopenLog(containerId);
        return {};
      }),
    ],
    [
      at("ListContainerStats"),
      async () => {
        const running = containers.list().filter(({ state, end }) => state.run && !end);
        const written = await layers.measure(running);
        return encodeContainerStats(running, written, Date.now());
      },
    ],
    ...NEEDS_ENGINE.map(([method, what]): [string, UnaryMethod] => [
      at(method),
      async () => {
        throw needsEngine(what);
      },
    ]),
    [at("ExecSync"), serve(cri.ExecSyncRequest, cri.ExecSyncResponse, (request) => execSync(containers, request))],
  ];
}

function imageMethods({ images, containers }: CriServicePorts): [string, UnaryMethod][] {
  const at = (method: string): string => `/runtime.v1.ImageService/${method}`;
  return [
    [
      at("ListImages"),
      serve(cri.ListImagesRequest, cri.ListImagesResponse, async () => ({
        images: (await images.list()).map(imageItem),
      })),
    ],
    [
      at("ImageStatus"),
      serve(cri.ImageStatusRequest, cri.ImageStatusResponse, async ({ image }) => {
        const found = await images.find(image?.image ?? "");
        return found ? { image: imageItem(found) } : {};
      }),
    ],
    [
      at("PullImage"),
      serve(cri.PullImageRequest, cri.PullImageResponse, async ({ image, auth }) => {
        const credentials = auth?.username ? { username: auth.username, password: auth.password ?? "" } : undefined;
        return { imageRef: await pullImage(image?.image ?? "", credentials, images) };
      }),
    ],
    [at("ImageFsInfo"), async () => encodeImageFolder(images.folder, Date.now())],
    [
      at("RemoveImage"),
      serve(cri.RemoveImageRequest, cri.RemoveImageResponse, async ({ image }) => {
        const found = await images.find(image?.image ?? "");
        // A container's root is made of its image's files.
        if (found && !containers.list().some(({ state }) => state.imageId === found.id)) await images.remove(found.id);
        return {};
      }),
    ],
  ];
}

async function execSync(
  containers: Containers,
  { containerId = "", cmd = [], timeout = 0n }: cri.ExecSyncRequest,
): Promise<cri.ExecSyncResponse> {
  const { words, environment } = containers.commandIn(containerId, cmd);
  const timeoutMs = (Number(timeout) || DEFAULT_EXEC_SECONDS) * 1000;
  const result = await runTool(words, { timeoutMs, environment, limitBytes: EXEC_OUTPUT_BYTES });
  if (result.isTimedOut) throw new Error(`command ${JSON.stringify(cmd)} timed out after ${timeoutMs / 1000} s`);
  return { stdout: result.output, stderr: result.errors, exitCode: result.status };
}

async function stopContainersOf(containers: Containers, sandboxId: string): Promise<void> {
  const own = containers.list().filter((container) => container.sandboxId === sandboxId);
  await Promise.all(own.map(({ id }) => containers.stop(id, SIGTERM_GRACE_MS)));
}

/** What is asked for by users, and how it is called in the answer. */
const NEEDS_ENGINE: readonly (readonly [method: string, what: string])[] = [
  ["UpdateContainerResources", "other limits for a running container"],
  ["Exec", "exec"],
  ["Attach", "attach"],
  ["PortForward", "port-forward"],
];

const CONDITIONS: readonly cri.RuntimeCondition[] = ["RuntimeReady", "NetworkReady"].map((type) => ({
  type,
  status: true,
  reason: "",
  message: "",
}));

function serve<Request, Response>(
  request: cri.MessageFns<Request>,
  response: cri.MessageFns<Response>,
  handle: (request: Request) => Promise<Response>,
): UnaryMethod {
  return async (bytes) => response.encode(await handle(request.decode(bytes))).finish();
}

function fits(
  filter: { readonly id?: string | undefined; readonly labelSelector?: Labels | undefined } | undefined,
  id: string,
  labels: Labels | undefined,
): boolean {
  if (filter?.id && filter.id !== id) return false;
  return Object.entries(filter?.labelSelector ?? {}).every(([name, value]) => labels?.[name] === value);
}

function sandboxItem({ id, config, createdAtMs }: Sandbox, isReady: boolean): cri.PodSandbox {
  return {
    id,
    metadata: config.metadata,
    state: isReady ? cri.PodSandboxState.SANDBOX_READY : cri.PodSandboxState.SANDBOX_NOTREADY,
    createdAt: nanos(createdAtMs),
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
  };
}

function containerItem({ id, sandboxId, config, state, end }: Container): cri.Container {
  const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED } = cri.ContainerState;
  return {
    id,
    podSandboxId: sandboxId,
    metadata: config.metadata,
    image: { image: state.imageName },
    imageRef: state.imageId,
    state: end ? CONTAINER_EXITED : state.run ? CONTAINER_RUNNING : CONTAINER_CREATED,
    createdAt: nanos(state.createdAtMs),
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
  };
}

function containerStatus(container: Container): cri.ContainerStatus {
  const { podSandboxId: _, ...item } = containerItem(container);
  const { state, end, config } = container;
  return {
    ...item,
    startedAt: nanos(state.run?.startedAtMs ?? 0),
    finishedAt: nanos(end?.finishedAtMs ?? 0),
    exitCode: end?.exitCode ?? 0,
    reason: end?.reason ?? "",
    message: "",
    logPath: config.logPath ?? "",
  };
}

/** As containerd tells it: by this process a pod's own stop signal reaches the container. */
function containerInfo({ state, end }: Container): Record<string, string> {
  return state.run && !end ? { info: JSON.stringify({ pid: state.run.main.processId }) } : {};
}

function imageItem({ id, names, sizeBytes, config }: StoredImage): cri.Image {
  const user = config.user.split(":")[0] ?? "";
  return {
    id,
    repoTags: [...names],
    repoDigests: [],
    size: BigInt(sizeBytes),
    ...(user === "" || /^\d+$/.test(user) ? { uid: { value: BigInt(user || 0) } } : { username: user }),
  };
}

function nanos(epochMs: number): bigint {
  return BigInt(Math.round(epochMs)) * NANOS_PER_MS;
}
