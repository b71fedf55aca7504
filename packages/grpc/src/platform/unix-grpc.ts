import type { GrpcTransport } from "../transport.ts";
import { socketState } from "./socket-state.ts";
import { UnixGrpcClient } from "./unix-grpc-client.ts";
import { serveUnixGrpc } from "./unix-grpc-server.ts";

/** gRPC on this machine's unix sockets. */
export const unixGrpc: GrpcTransport = {
  serve: serveUnixGrpc,
  client: (socketPath, errors) => new UnixGrpcClient(socketPath, errors),
  isServed: async (socketPath) => (await socketState(socketPath)) === "served",
};
