import type { Clock, Timer } from "@skerry/base";
import type { LinkConnection } from "@skerry/link";

export interface OutputWatchOptions {
  readonly connection: Pick<LinkConnection, "bufferedBytes">;
  readonly clock: Clock;
  /** Whether more may be sent. */
  readonly onWritable: (writable: boolean) => void;
  /** The peer has taken nothing for {@link STUCK_MS}. */
  readonly onStuck: () => void;
}

/** Bytes that the transport may hold back before nothing more is sent. */
export const FULL_AT_BYTES: number = 4 * 1024 * 1024;
const CHECK_MS = 50;
/** A slow link takes something now and then; a peer that takes nothing for so long does not read. */
export const STUCK_MS = 60_000;

/** Watches what the transport holds back for a peer, so that one that is slow, or never reads, costs bounded memory. */
export class OutputWatch implements Disposable {
  readonly #options: OutputWatchOptions;
  #timer: Timer | undefined;
  #leastBytes = 0;
  #progressAtMs = 0;

  constructor(options: OutputWatchOptions) {
    this.#options = options;
  }

  /** Something was sent. */
  sent(): void {
    const { connection, clock, onWritable } = this.#options;
    if (this.#timer || connection.bufferedBytes < FULL_AT_BYTES) return;
    this.#leastBytes = connection.bufferedBytes;
    this.#progressAtMs = clock.monotonicMs();
    this.#wait();
    onWritable(false);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer = this.#options.clock.setTimer(CHECK_MS, () => {
      this.#timer = undefined;
      this.#check();
    });
  }

  #check(): void {
    const { connection, clock, onWritable, onStuck } = this.#options;
    const { bufferedBytes } = connection;
    const nowMs = clock.monotonicMs();
    if (bufferedBytes < this.#leastBytes) {
      this.#leastBytes = bufferedBytes;
      this.#progressAtMs = nowMs;
    }
    if (bufferedBytes < FULL_AT_BYTES / 2) onWritable(true);
    else if (nowMs - this.#progressAtMs >= STUCK_MS) onStuck();
    else this.#wait();
  }
}
