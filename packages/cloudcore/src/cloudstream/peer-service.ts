import { isSkerryError, type Logger } from "@skerry/base";
import {
  type ByteStream,
  type ConnectRequest,
  encodeResponseHead,
  type FrameConnection,
  joinStreams,
  Multiplexer,
  type MultiplexerOptions,
} from "@skerry/streams";
import type { CloudStream } from "./cloud-stream.ts";
import { httpStatusOf } from "./errors.ts";
import {
  ASK_HEADER,
  MAX_PEER_STREAMS,
  NODE_HEADER,
  PEER_ASKED,
  PEER_HAS_NONE,
  PEER_SERVES,
  PROBE_METHOD,
} from "./peer-streams.ts";

const PLAIN_TEXT = { "content-type": "text/plain; charset=utf-8" };

/** Serves the other CloudCores' requests for streams into nodes whose tunnel is here, and no others. */
export class PeerService implements Disposable {
  readonly #cloudStream: CloudStream;
  readonly #options: Pick<MultiplexerOptions, "clock" | "logger">;
  readonly #peers = new Set<Multiplexer>();

  constructor(cloudStream: CloudStream, options: Pick<MultiplexerOptions, "clock"> & { readonly logger: Logger }) {
    this.#cloudStream = cloudStream;
    this.#options = options;
  }

  /** Takes over a connection whose other end has proven to be a CloudCore. */
  accept(connection: FrameConnection): void {
    const peer = new Multiplexer({
      ...this.#options,
      connection,
      maxStreams: MAX_PEER_STREAMS,
      serve: (request, stream) => this.#serve(request, stream),
    });
    this.#peers.add(peer);
    peer.ended.addEventListener("abort", () => this.#peers.delete(peer), { once: true });
    peer.start();
  }

  [Symbol.dispose](): void {
    for (const peer of [...this.#peers]) peer.close("CloudCore stops");
  }

  #answer(nodeName: string, path: string, ask: boolean): number {
    if (this.#cloudStream.canServe(nodeName, path)) return PEER_SERVES;
    return ask && this.#cloudStream.ask(nodeName) ? PEER_ASKED : PEER_HAS_NONE;
  }

  async #serve({ headers, ...request }: ConnectRequest, stream: ByteStream): Promise<void> {
    const { [NODE_HEADER]: [nodeName = ""] = [], ...forwarded } = headers;
    try {
      if (request.method === PROBE_METHOD) {
        const status = this.#answer(nodeName, request.path, headers[ASK_HEADER] !== undefined);
        await stream.write(encodeResponseHead(status, "Answer", PLAIN_TEXT));
        return;
      }
      const opened = this.#cloudStream.openHere(nodeName, { ...request, headers: forwarded });
      if (!opened.startsWithHead) await stream.write(encodeResponseHead(200, "OK", PLAIN_TEXT));
      await joinStreams(opened.stream, stream);
    } catch (error) {
      if (stream.closed.aborted) return;
      const known = isSkerryError(error);
      const text = known ? error.message : "internal error";
      await stream.write(encodeResponseHead(known ? httpStatusOf(error) : 500, "Refused", PLAIN_TEXT));
      await stream.write(new TextEncoder().encode(`${text}\n`));
    }
  }
}
