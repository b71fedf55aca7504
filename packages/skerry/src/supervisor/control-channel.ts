import { createHash } from "node:crypto";
import { join } from "node:path";
import { notRunning } from "../errors.ts";
import { shortSocketPath } from "../nodecontainers/node-containers.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askControl } from "./control-server.ts";
import type { RelayStatus } from "./link-relay.ts";
import type { PartState } from "./supervised-process.ts";

/** What the running supervisor can be asked. */
export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "stop" /** Pods have their own time to end. */; readonly graceful: boolean }
  | { readonly command: "cut"; readonly node: string }
  | { readonly command: "restore"; readonly node: string };

/** How everything does. */
export interface SupervisorStatus {
  readonly ready: boolean;
  readonly processId: number;
  readonly parts: readonly {
    readonly name: string;
    readonly state: PartState;
    readonly processId: number | undefined;
    readonly restarts: number;
  }[];
  readonly links: readonly ({ readonly node: string } & RelayStatus)[];
  /** None on a machine whose node joined another machine's cloud. */
  readonly kubeconfig?: string;
}

/** The unix socket on which the supervisor of this home listens; only its owner may connect. */
export function controlSocketPath(home: SkerryHome): string {
  return socketPath(home, "control");
}

/** The same of a CloudCore of this home, counted from 1. */
export function cloudCoreSocketPath(home: SkerryHome, number: number): string {
  return socketPath(home, number === 1 ? "cloudcore" : `cloudcore-${number}`);
}

function socketPath(home: SkerryHome, name: string): string {
  const hash = createHash("sha256").update(home.folder).digest("hex").slice(0, 12);
  return shortSocketPath(join(home.run, `${name}.sock`), `${name}-${hash}`);
}

/** Asks the supervisor of this home. Throws SKERRY_NOT_RUNNING, or the error it answered. */
export async function askSupervisor(home: SkerryHome, request: ControlRequest): Promise<unknown> {
  return askControl(controlSocketPath(home), request, () => notRunning(home.folder));
}
