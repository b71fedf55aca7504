import type { UnaryMethod } from "@skerry/grpc";
import { PORT_FORWARD_SPDY_VERSION, REMOTE_COMMAND_SPDY_VERSION, type RemoteCommandStreams } from "@skerry/streams";
import { notFound, refusedState } from "../../errors.ts";
import { commandIn, terminalIn } from "../container-exec.ts";
import type { Methods } from "../cri-methods.ts";
import type { RuntimeMethodsPorts } from "../runtime-methods.ts";
import { commandSession, type ServeClient } from "./command-session.ts";
import { machineConnection, podConnection } from "./port-connection.ts";
import { portForwardSession } from "./port-forward-session.ts";
import { serveAttach } from "./serve-attach.ts";
import { serveExec, serveTerminal } from "./serve-exec.ts";
import { encodeStreamUrl, readAttachRequest, readExecRequest, readPortForwardRequest } from "./stream-requests.ts";
import type { Offer, StreamingServer } from "./streaming-server.ts";

/** CRI's Exec, Attach and PortForward: each gives an address of the streaming server. */
export function streamMethods(ports: RuntimeMethodsPorts, server: StreamingServer): Methods {
  const { sandboxes, containers } = ports;
  const method = (name: string, offerOf: (request: Uint8Array) => Offer): [string, UnaryMethod] => [
    `/runtime.v1.RuntimeService/${name}`,
    async (request) => encodeStreamUrl(server.offer(offerOf(request))),
  ];
  return [
    method("Exec", (bytes) => {
      const { id, command, streams } = readExecRequest(bytes);
      const container = containers.running(id);
      return commandOffer("exec", streams, (client, gone) =>
        streams.tty
          ? serveTerminal(terminalIn(container, ports, command), client, gone)
          : serveExec(commandIn(container, ports, command), client, gone),
      );
    }),
    method("Attach", (bytes) => {
      const { id, streams } = readAttachRequest(bytes);
      const container = containers.running(id);
      return commandOffer("attach", { ...streams, tty: container.config.tty === true }, async (client, gone) => {
        const output = containers.outputOf(id);
        if (!output) throw refusedState(`the container ${id.slice(0, 12)} is not running`);
        return serveAttach({ container, output, endInput: () => containers.endInput(id) }, client, gone);
      });
    }),
    method("PortForward", (bytes) => {
      const { sandboxId } = readPortForwardRequest(bytes);
      const sandbox = sandboxes.get(sandboxId);
      if (!sandboxes.isReady(sandbox)) throw notFound(`A running sandbox ${sandboxId}`);
      return {
        kind: "portforward",
        protocol: PORT_FORWARD_SPDY_VERSION,
        open: () =>
          portForwardSession((port) => {
            const own = sandboxes.portsOf(sandbox);
            return own ? podConnection(own, port) : machineConnection(port);
          }),
      };
    }),
  ];
}

function commandOffer(kind: "exec" | "attach", streams: RemoteCommandStreams, serve: ServeClient): Offer {
  return { kind, protocol: REMOTE_COMMAND_SPDY_VERSION, open: () => commandSession(streams, serve) };
}
