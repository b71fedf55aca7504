import { once } from "node:events";
import { connect } from "node:net";
import type { ByteStream } from "@skerry/streams";
import { joinSocket } from "@skerry/streams/platform";
import { runtimeUnreachable } from "../errors.ts";
import type { LoopbackRelay } from "../ports.ts";

const CONNECT_TIMEOUT_MS = 5_000;

/** The {@link LoopbackRelay} port over TCP. */
export const tcpLoopbackRelay: LoopbackRelay = {
  async relay(host: string, port: number, head: Uint8Array, stream: ByteStream): Promise<void> {
    const socket = connect({ host, port, allowHalfOpen: false });
    const timer = setTimeout(() => socket.destroy(new Error("no connection in time")), CONNECT_TIMEOUT_MS);
    try {
      await once(socket, "connect");
    } catch (error) {
      throw runtimeUnreachable(host, port, error);
    } finally {
      clearTimeout(timer);
    }
    socket.setNoDelay(true);
    socket.write(head);
    await joinSocket(stream, socket, new Uint8Array());
  },
};
