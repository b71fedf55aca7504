import { statSync } from "node:fs";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import {
  ensureCommonParts,
  ensureSystemParts,
  findCommonParts,
  findSystemParts,
  type PartsListener,
} from "../systemparts/system-parts.ts";
import { containerdRuntime } from "./containerd-runtime.ts";
import type { NodeRuntime, RuntimeKind } from "./node-runtime.ts";
import { processRuntime } from "./process-runtime.ts";

/**
 * The runtime that the node has: the one that was asked for, else containerd where root owns the home folder, and the
 * process runtime for everybody else.
 */
export function runtimeKind(home: SkerryHome, { runtime }: Settings): RuntimeKind {
  if (runtime !== "auto") return runtime;
  return statSync(home.folder).uid === 0 ? "containerd" : "process";
}

/** The node's runtime, its parts downloaded where they are missing. Throws SKERRY_PARTS_… errors. */
export async function ensureRuntime(
  home: SkerryHome,
  settings: Settings,
  node: string,
  listener: PartsListener,
): Promise<NodeRuntime> {
  if (runtimeKind(home, settings) === "containerd")
    return containerdRuntime(home, node, await ensureSystemParts(home.parts, listener));
  const { processNetworksMayLeadOut } = await import("@skerry/edgecore/platform");
  return processRuntime(home, node, await ensureCommonParts(home.parts, listener, await processNetworksMayLeadOut()));
}

/** The node's runtime when its parts are here; undefined when one is missing. Downloads nothing. */
export function findRuntime(home: SkerryHome, settings: Settings, node: string): NodeRuntime | undefined {
  if (runtimeKind(home, settings) === "containerd") {
    const parts = findSystemParts(home.parts);
    return parts && containerdRuntime(home, node, parts);
  }
  const parts = findCommonParts(home.parts);
  return parts && processRuntime(home, node, parts);
}
