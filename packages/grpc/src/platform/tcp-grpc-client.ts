import { connect } from "node:net";
import type { ClientErrors } from "../transport.ts";
import { SocketGrpcClient } from "./socket-grpc-client.ts";

/** A {@link SocketGrpcClient} on a TCP port, e.g. of a container. */
export class TcpGrpcClient extends SocketGrpcClient {
  constructor(host: string, port: number, errors: ClientErrors) {
    super(`${host}:${port}`, () => connect({ host, port }), errors);
  }
}
