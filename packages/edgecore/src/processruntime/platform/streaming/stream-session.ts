import type { SpdyStream } from "@skerry/streams/platform";

/** What is done with the streams of one client. */
export interface StreamSession {
  /** The client has opened a stream. */
  onStream(stream: SpdyStream): void;
  /** Resolves when all was said that there is to say; never rejects. */
  readonly ended: Promise<void>;
  /** The client is gone. */
  abandon(): void;
}
