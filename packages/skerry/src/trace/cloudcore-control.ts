import type { LinkTrace } from "@skerry/cloudcore";
import type { CloudCore } from "@skerry/cloudcore/platform";
import { cloudCoreNotAnswering, usageError } from "../errors.ts";
import { askControl, ControlServer } from "../supervisor/control-server.ts";

/** What a running CloudCore can be asked on its machine. */
export interface TraceRequest {
  readonly command: "trace";
  readonly node: string;
  /** Only the traffic of so long; left out: all that is counted. */
  readonly recentMs?: number;
}

/** Serves `skerry trace`; not started yet. */
export function serveCloudCoreControl(socketPath: string, core: Pick<CloudCore, "trace">): ControlServer<TraceRequest> {
  return new ControlServer<TraceRequest>(socketPath, async ({ command, node, recentMs }) => {
    if (command !== "trace" || typeof node !== "string")
      throw usageError(`CloudCore's control socket does not know ${JSON.stringify(command)}`);
    return core.trace(node, recentMs);
  });
}

/** Asks the CloudCore that serves this socket. @throws SkerryError `SKERRY_CLOUDCORE_NOT_ANSWERING` */
export async function askForTrace(socketPath: string, node: string, recentMs?: number): Promise<LinkTrace> {
  const request: TraceRequest = { command: "trace", node, ...(recentMs === undefined ? {} : { recentMs }) };
  return (await askControl(socketPath, request, () => cloudCoreNotAnswering(socketPath))) as LinkTrace;
}
