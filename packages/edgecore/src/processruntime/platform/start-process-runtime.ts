import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@skerry/base";
import { unixGrpc } from "@skerry/grpc/platform";
import { checkAbility } from "./ability.ts";
import { Containers } from "./containers.ts";
import { ControlGroups } from "./control-groups.ts";
import { criMethods, criStatus } from "./cri-service.ts";
import { ImageStore } from "./image-store.ts";
import { checkOutbound, type OutboundProgram } from "./outbound-network.ts";
import { Sandboxes } from "./sandboxes.ts";
import { writeScripts } from "./script-files.ts";
import { StreamingServer } from "./streaming/streaming-server.ts";
import { findWasmRunner, type WasmRunner } from "./wasm-runner.ts";

export interface ProcessRuntimeOptions {
  /** Images, sandboxes and containers are below it; nobody else may enter. */
  readonly folder: string;
  /** Where the Container Runtime Interface is served. */
  readonly socketPath: string;
  /** A static busybox: it makes the containers' roots and the ways into their networks. */
  readonly busybox: string;
  /** Leads pods out of their networks. */
  readonly slirp: OutboundProgram;
  readonly logger: Logger;
}

/**
 * Runs the process runtime: the Container Runtime Interface v1 without an engine and without root, made of user
 * namespaces. What it started goes on when it ends, and is found again.
 * @throws SkerryError `PROCESS_RUNTIME_NO_NAMESPACES`, `GRPC_SOCKET_*`
 */
export async function startProcessRuntime(options: ProcessRuntimeOptions): Promise<AsyncDisposable> {
  const { socketPath, logger } = options;
  await using opened = new AsyncDisposableStack();
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  // From inside of a container's root, links of the machine would lead elsewhere.
  const [folder, busybox] = await Promise.all([realpath(options.folder), realpath(options.busybox)]);
  const ability = await checkAbility(join(folder, "scratch"));
  const scripts = await writeScripts(join(folder, "scripts"));
  const images = imageStore(folder);
  await images.open();
  const outbound = await checkOutbound(options.slirp, busybox);
  if (outbound.kind === "none")
    logger.warn("Pods reach nothing outside of their networks", { reason: outbound.reason });
  const sandboxes = opened.use(new Sandboxes({ folder: join(folder, "sandboxes"), busybox, outbound, logger }));
  await sandboxes.open();
  const wasm = (): Promise<WasmRunner> => findWasmRunner(scripts.wasi);
  const groups = await ControlGroups.find(folder, busybox, logger);
  const means = { busybox, ability, groups, images, sandboxes, scripts, wasm };
  const containers = opened.use(new Containers({ folder: join(folder, "containers"), ...means, logger }));
  await containers.open();
  const streaming = opened.use(await StreamingServer.listen());
  const methods = criMethods({ sandboxes, containers, images, ability, groups, outbound, streaming });
  opened.use(await unixGrpc.serve({ socketPath, methods, statusOf: criStatus }));
  logger.info("The process runtime serves", { socket: socketPath, overlay: ability.overlay });
  return opened.move();
}

/** The images of a runtime with this folder; they may be added to while it runs. */
export function imageStore(folder: string): ImageStore {
  return new ImageStore({ folder: join(folder, "images") });
}
