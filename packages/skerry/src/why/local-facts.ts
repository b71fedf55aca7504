import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { isSkerryError } from "@skerry/base";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import type { LocalFacts, ProcessFacts } from "./facts.ts";

/** What this machine knows of a node that runs here; undefined for another machine's. */
export async function localFacts(home: SkerryHome, node: string): Promise<LocalFacts | undefined> {
  const folder = home.nodeFolder(node);
  if (!existsSync(join(folder, "edgecore.yaml"))) return undefined;
  const status = await supervisorStatus(home);
  const certificateEndsMs = certificateEnd(join(folder, "certificates", "server.crt"));
  const diskFreeShare = freeShare(folder);
  return {
    isLinkCut: status?.links.some((link) => link.node === node && link.cut) ?? false,
    processes: processesOf(status, (name) => name === "mosquitto" || name === "broker" || name.endsWith(` ${node}`)),
    ...(certificateEndsMs === undefined ? {} : { certificateEndsMs }),
    ...(diskFreeShare === undefined ? {} : { diskFreeShare }),
  };
}

/** Whether the supervised part of this name is a CloudCore. */
export const isCloudCore = (name: string): boolean => /^cloudcore( \d+)?$/.test(name);

/** What the supervisor of this machine keeps, of those that are meant. */
export async function localProcesses(
  home: SkerryHome,
  isMeant: (name: string) => boolean,
): Promise<readonly ProcessFacts[]> {
  return processesOf(await supervisorStatus(home), isMeant);
}

function processesOf(status: SupervisorStatus | undefined, isMeant: (name: string) => boolean): ProcessFacts[] {
  const parts = (status?.parts ?? []).filter(({ name }) => isMeant(name));
  return parts.map(({ name, state, processId }) => {
    if (state.kind === "running" && isFrozen(processId))
      return { name, isRunning: false, reason: "it is frozen (stopped by a signal; `kill -CONT` lets it go on)" };
    const reason = state.kind === "waiting" ? state.reason : state.kind;
    return { name, isRunning: state.kind === "running", reason };
  });
}

/** Whether the process was stopped by SIGSTOP or a debugger. */
function isFrozen(processId: number | undefined): boolean {
  if (processId === undefined) return false;
  try {
    // "PID (name, which may have any character) STATE …"
    return /\) [Tt] [^)]*$/.test(readFileSync(`/proc/${processId}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function supervisorStatus(home: SkerryHome): Promise<SupervisorStatus | undefined> {
  try {
    return (await askSupervisor(home, { command: "status" })) as SupervisorStatus;
  } catch (error) {
    // Parts that run by themselves, without a supervisor, tell nothing here.
    if (isSkerryError(error)) return undefined;
    throw error;
  }
}

/** Until when the certificate in the file is good; undefined without a readable one. */
export function certificateEnd(path: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return undefined;
  }
}

/** Free share of the disk under the folder. */
export function freeShare(folder: string): number | undefined {
  try {
    const { bavail, blocks } = statfsSync(folder);
    return blocks > 0 ? bavail / blocks : undefined;
  } catch {
    return undefined;
  }
}
