import * as cri from "../../edged/platform/generated/cri.ts";
import {
  cpuLimitsCondition,
  memoryLimitsCondition,
  outboundCondition,
  seccompCondition,
} from "../../edged/pod/runtime-names.ts";
import { RUNTIME_NAME, RUNTIME_VERSION } from "../version.ts";
import { commandIn, type ExecMeans } from "./container-exec.ts";
import { encodeContainerStats } from "./container-stats.ts";
import type { Containers } from "./containers.ts";
import { containerInfo, containerItem, containerStatus, fits, sandboxItem } from "./cri-items.ts";
import { type Methods, serve } from "./cri-methods.ts";
import type { OutboundAbility } from "./outbound-network.ts";
import { runTool } from "./run-tool.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { WritableLayers } from "./writable-layers.ts";

/** What the methods are about. */
export interface RuntimeMethodsPorts extends ExecMeans {
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
  readonly outbound: OutboundAbility;
}

const DEFAULT_EXEC_SECONDS = 60;
const EXEC_OUTPUT_BYTES = 1024 * 1024;
const SIGTERM_GRACE_MS = 2_000;

/** CRI's runtime service, without its streams. */
export function runtimeMethods(ports: RuntimeMethodsPorts): Methods {
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
      serve(cri.StatusRequest, cri.StatusResponse, async () => ({
        status: { conditions: conditions(ports) },
        // Each pod has one in any case; but as root's, its users were the machine's root.
        runtimeHandlers: [{ name: "", features: { userNamespaces: process.getuid?.() !== 0 } }],
      })),
    ],
    [
      at("RunPodSandbox"),
      serve(cri.RunPodSandboxRequest, cri.RunPodSandboxResponse, async ({ config = {}, runtimeHandler = "" }) => ({
        podSandboxId: (await sandboxes.run(config, runtimeHandler)).id,
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
    [
      at("UpdateContainerResources"),
      serve(
        cri.UpdateContainerResourcesRequest,
        cri.UpdateContainerResourcesResponse,
        async ({ containerId = "", linux = {} }) => {
          await containers.limit(containerId, linux);
          return {};
        },
      ),
    ],
    [
      at("ExecSync"),
      serve(cri.ExecSyncRequest, cri.ExecSyncResponse, async ({ containerId = "", cmd = [], timeout = 0n }) => {
        const command = commandIn(containers.running(containerId), ports, cmd);
        const timeoutMs = (Number(timeout) || DEFAULT_EXEC_SECONDS) * 1000;
        const { words, environment } = command;
        const result = await runTool(words, { timeoutMs, environment, limitBytes: EXEC_OUTPUT_BYTES });
        if (result.isTimedOut) throw new Error(`command ${JSON.stringify(cmd)} timed out after ${timeoutMs / 1000} s`);
        return { stdout: result.output, stderr: result.errors, exitCode: result.status };
      }),
    ],
  ];
}

async function stopContainersOf(containers: Containers, sandboxId: string): Promise<void> {
  const own = containers.list().filter((container) => container.sandboxId === sandboxId);
  await Promise.all(own.map(({ id }) => containers.stop(id, SIGTERM_GRACE_MS)));
}

/** What is lacking here is no reason not to be ready; Edged tells it to who uses it. */
function conditions({ outbound, groups }: RuntimeMethodsPorts): cri.RuntimeCondition[] {
  const condition = (type: string, status: boolean, message = ""): cri.RuntimeCondition => ({
    ...{ type, status, message },
    reason: status ? "" : "NotHere",
  });
  const { cpu, memory } = groups.limits;
  return [
    condition("RuntimeReady", true),
    condition("NetworkReady", true),
    condition(outboundCondition, outbound.kind !== "none", outbound.kind === "none" ? outbound.reason : ""),
    condition(cpuLimitsCondition, cpu),
    condition(memoryLimitsCondition, memory),
    condition(seccompCondition, false),
  ];
}
