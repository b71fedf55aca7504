import { abortReason } from "@skerry/base";
import { zeroMask } from "@skerry/base/platform";
import { WebSocket } from "ws";
import { tunnelDialFailed } from "../errors.ts";
import {
  type FrameConnection,
  SKERRY_STREAMS_HEADER,
  SKERRY_STREAMS_VERSION,
  type TunnelDialer,
} from "../transport.ts";
import { FRAME_SOCKET_OPTIONS, WebSocketFrames } from "./web-socket-frames.ts";

/** What an edge proves itself with, and whom it trusts; PEM. */
export interface TunnelCredentials {
  /** The only authority that the cloud's certificate is accepted from. */
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Dials CloudStream by WebSocket over TLS with the node's certificate; the server's is verified (security.md S16). */
export class WebSocketTunnelDialer implements TunnelDialer {
  readonly #credentials: () => Promise<TunnelCredentials>;

  /** @param credentials asked at each dial, so that a renewed certificate is used */
  constructor(credentials: () => Promise<TunnelCredentials>) {
    this.#credentials = credentials;
  }

  async dial(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<FrameConnection> {
    // The frames are not masked: what pods print would stand in them as it is.
    if (!url.startsWith("wss://")) throw tunnelDialFailed(url, "this is no wss:// address", undefined);
    const { authorityPem, certificatePem, privateKeyPem } = await this.#credentials();
    if (signal.aborted) throw abortReason(signal);
    const socket = new WebSocket(url, {
      ...FRAME_SOCKET_OPTIONS,
      headers: { ...headers, [SKERRY_STREAMS_HEADER]: SKERRY_STREAMS_VERSION },
      ca: authorityPem,
      cert: certificatePem,
      key: privateKeyPem,
      minVersion: "TLSv1.2",
      followRedirects: false,
      generateMask: zeroMask,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    return new Promise((resolve, reject) => {
      let speaksSkerry = false;
      const onAbort = (): void => {
        reject(abortReason(signal));
        socket.terminate();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      socket.on("upgrade", (response) => {
        speaksSkerry = response.headers[SKERRY_STREAMS_HEADER] === SKERRY_STREAMS_VERSION;
        response.socket.setNoDelay(true);
      });
      // Stays for the socket's life: an error without a listener would end the process.
      socket.on("error", (error) => {
        signal.removeEventListener("abort", onAbort);
        reject(tunnelDialFailed(url, error.message, error));
      });
      socket.once("open", () => {
        signal.removeEventListener("abort", onAbort);
        resolve(new WebSocketFrames(socket, speaksSkerry));
      });
    });
  }
}
