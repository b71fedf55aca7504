import type { PartDescription } from "../supervisor/supervised-process.ts";
import type { CommonParts } from "../systemparts/system-parts.ts";

/** What runs a node's containers on this machine. */
export type RuntimeKind = "containerd" | "process";

/** What was prepared for a runtime's start. */
export interface PreparedRuntime {
  readonly part: PartDescription;
  /** For people: what containers have here. */
  readonly detail: string;
}

/** The container runtime of one edge node of this machine, seen from outside: it is a part, EdgeCore uses it by CRI. */
export interface NodeRuntime {
  readonly kind: RuntimeKind;
  /** Where it serves the Container Runtime Interface. */
  readonly socketPath: string;
  readonly parts: CommonParts;
  /** Checks that containers can run here, and writes what the runtime reads. Starts nothing. Throws SKERRY_… errors. */
  prepare(options: { readonly podSubnet?: string }): Promise<PreparedRuntime>;
  /** The images that Skerry brings along; returns their names. */
  importBuiltinImages(appFolder: string): Promise<readonly string[]>;
  /** Loads an image archive; returns the names in it. Throws SKERRY_IMAGE_ARCHIVE_INVALID, SKERRY_DISK_FULL. */
  loadImage(archive: string): Promise<readonly string[]>;
  /** Ids of the running containers, and their first processes. */
  containers(): Promise<ReadonlyMap<string, number>>;
  /** Kills all containers at once, as a power cut would. */
  killContainers(): Promise<void>;
  /** Ends all containers and removes what they left on the machine; the runtime itself was stopped before. */
  remove(): Promise<void>;
}
