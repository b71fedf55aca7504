import type { Clock, Logger } from "@skerry/base";
import { type FrameConnection, Multiplexer } from "@skerry/streams";
import type { PodStreams } from "./pod-streams.ts";

/** What a tunnel is served with. */
export interface TunnelSessionPorts {
  readonly podStreams: Pick<PodStreams, "serve">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Serves the cloud's streams on an open tunnel until it ends, or the signal ends it; resolves with the reason. */
export async function serveTunnel(
  connection: FrameConnection,
  { podStreams, clock, logger }: TunnelSessionPorts,
  signal: AbortSignal,
): Promise<string> {
  const tunnel = new Multiplexer({
    connection,
    clock,
    logger,
    serve: (request, stream) => podStreams.serve(request, stream, connection.speaksSkerry),
  });
  const stop = (): void => tunnel.close("the node ends it");
  signal.addEventListener("abort", stop, { once: true });
  const ended = new Promise<void>((resolve) => tunnel.ended.addEventListener("abort", () => resolve(), { once: true }));
  tunnel.start();
  if (signal.aborted) stop();
  await ended;
  signal.removeEventListener("abort", stop);
  return tunnel.ended.reason instanceof Error ? tunnel.ended.reason.message : "";
}
