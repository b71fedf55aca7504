import { type Clock, type RateLimit, type Timer, TokenBucket } from "@skerry/base";
import type { LinkConnection } from "@skerry/link";

/** Frames and pings of one node: far more than an honest one has for long, and a burst for one that was offline. */
export const NODE_RATE: RateLimit = { burst: 10_000, perSecond: 2_000 };

export interface ReadingGateOptions {
  readonly connection: Pick<LinkConnection, "pause" | "resume">;
  readonly clock: Clock;
  readonly rate: RateLimit;
  readonly onChange: (reading: boolean) => void;
}

/**
 * Whether a node's connection is read. It is not while the node's messages wait for their turn, nor while the node has
 * sent more than its rate: the node then waits for the network, and nobody else does.
 */
export class ReadingGate implements Disposable {
  readonly #options: ReadingGateOptions;
  readonly #bucket: TokenBucket;
  readonly #reasons = new Set<"backlog" | "rate">();
  #timer: Timer | undefined;
  #throttledCount = 0;

  constructor(options: ReadingGateOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.rate, options.clock.monotonicMs());
  }

  /** How often the node was made to wait because of its rate. */
  get throttledCount(): number {
    return this.#throttledCount;
  }

  /** Counts something that the node has sent. */
  count(): void {
    const { clock } = this.#options;
    const waitMs = this.#bucket.take(clock.monotonicMs());
    if (waitMs === 0) return;
    if (!this.#timer) this.#throttledCount++;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#set("rate", false);
    });
    this.#set("rate", true);
  }

  /** Says whether too many of the node's messages wait. */
  setBacklog(isMuch: boolean): void {
    this.#set("backlog", isMuch);
  }

  get hasBacklog(): boolean {
    return this.#reasons.has("backlog");
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }

  #set(reason: "backlog" | "rate", holds: boolean): void {
    const before = this.#reasons.size === 0;
    if (holds) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    const reading = this.#reasons.size === 0;
    if (reading === before) return;
    const { connection, onChange } = this.#options;
    if (!reading) connection.pause();
    onChange(reading);
    if (reading) connection.resume();
  }
}
