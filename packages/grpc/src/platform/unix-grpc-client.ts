import { connect } from "node:net";
import type { ClientErrors } from "../transport.ts";
import { SocketGrpcClient } from "./socket-grpc-client.ts";

/** A {@link SocketGrpcClient} on a unix socket of this machine. */
export class UnixGrpcClient extends SocketGrpcClient {
  constructor(socketPath: string, errors: ClientErrors) {
    super(socketPath, () => connect(socketPath), errors);
  }
}
