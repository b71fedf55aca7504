import { SkerryError } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";

/** What stands for the Kubernetes API as it truly is, behind the lies; and what its machine may do to it. */
export interface TrueApi extends KubernetesApi {
  /** The newest resourceVersion. */
  readonly resourceVersion: string;
  /** Forgets history: a watch from before now gets 410. */
  compact(): void;
  /** Ends all open watches normally. */
  closeWatches(): void;
  /** Keeps a copy of everything as it is now. Then the versions go on so much further, as if much else were written. */
  backUp(versionsPassed: number): void;
  /** The server starts anew with what was there at the backup. False when there is none; a backup serves once. */
  restore(): boolean;
}

/** Which API server stands behind CloudCore: a small one in memory, or the embedded control plane's on a disk. */
export type SimulatedApi = "memory" | "embedded";

/** What a client hears of a server that does not answer. */
export function unreachable(): SkerryError {
  return new SkerryError({
    code: "KUBE_UNREACHABLE",
    message: "The simulated API server did not answer",
    advice: "Nothing to do: a simulated fault.",
  });
}
