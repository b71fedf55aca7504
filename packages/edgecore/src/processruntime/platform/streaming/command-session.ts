import { describeError } from "@skerry/base";
import { commandFailure, commandStatus, type RemoteCommandStreams } from "@skerry/streams";
import type { SpdyStream } from "@skerry/streams/platform";
import type { StreamSession } from "./stream-session.ts";

/** The streams of a client of exec or attach; what it did not ask for is undefined. */
export interface ClientStreams {
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  /** Sizes of the terminal. */
  readonly resize: SpdyStream | undefined;
}

/** Serves a client once it has opened its streams; resolves with an exit code. */
export type ServeClient = (streams: ClientStreams, gone: AbortSignal) => Promise<number>;

type Name = keyof ClientStreams | "error";

const OPEN_TIMEOUT_MS = 30_000;

/** exec or attach for one client, which is told at the end how it went. */
export function commandSession(wanted: RemoteCommandStreams, serve: ServeClient): StreamSession {
  const missing = new Set(namesOf(wanted));
  const streams = new Map<Name, SpdyStream>();
  const gone = new AbortController();
  const opened = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => opened.reject(new Error("the client did not open its streams in time")),
    OPEN_TIMEOUT_MS,
  );

  const run = async (): Promise<void> => {
    let status: string;
    try {
      await opened.promise;
      const { stdin, stdout, stderr, resize } = Object.fromEntries(streams) as Partial<Record<Name, SpdyStream>>;
      status = commandStatus(await serve({ stdin, stdout, stderr, resize }, gone.signal));
    } catch (error) {
      status = commandFailure(describeError(error));
    }
    clearTimeout(timer);
    const last = streams.get("error");
    streams.delete("error");
    await Promise.all([...streams.values()].map((stream) => finish(stream)));
    if (last) await finish(last, status);
  };
  return {
    onStream(stream) {
      const name = stream.headers.get("streamtype") as Name;
      if (!missing.delete(name)) {
        stream.destroy();
        return;
      }
      streams.set(name, stream);
      if (name !== "stdin" && name !== "resize") stream.resume(); // The client ends its side of it; nothing else comes.
      if (missing.size === 0) opened.resolve();
    },
    ended: run(),
    abandon() {
      gone.abort();
      opened.reject(new Error("the client has gone"));
    },
  };
}

function namesOf({ stdin, stdout, stderr, tty }: RemoteCommandStreams): Name[] {
  return [
    "error",
    ...(stdin ? (["stdin"] as const) : []),
    ...(stdout ? (["stdout"] as const) : []),
    // A terminal has one output only.
    ...(stderr && !tty ? (["stderr"] as const) : []),
    ...(tty ? (["resize"] as const) : []),
  ];
}

/** Ends a stream after its last words; resolves when they are sent, or when nobody is there to hear them. */
function finish(stream: SpdyStream, words = ""): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableFinished) resolve();
    stream.once("close", () => resolve());
    stream.end(words, () => resolve());
  });
}
