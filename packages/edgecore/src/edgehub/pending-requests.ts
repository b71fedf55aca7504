import { abortReason, type Clock } from "@skerry/base";
import type { Message } from "@skerry/link";
import { linkTimeout, tooManyRequests } from "./errors.ts";

interface PendingRequest {
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
}

/** The requests of one session that wait for an answer, by message id. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #waiting = new Map<string, PendingRequest>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Registers the request, then sends it: no answer can be too fast (wire.md 18, W39).
   * @throws SkerryError `LINK_TIMEOUT`, `LINK_TOO_MANY_REQUESTS`, the signal's reason, or what `send` throws
   */
  start(request: Message, timeoutMs: number, signal: AbortSignal | undefined, send: () => void): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortReason(signal));
      if (this.#waiting.size >= this.#limit) return reject(tooManyRequests(this.#limit));
      const id = request.header.msg_id;
      const { operation = "", resource = "" } = request.route;
      const release = (): void => {
        this.#waiting.delete(id);
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (error: Error): void => {
        release();
        reject(error);
      };
      const onAbort = (): void => {
        if (signal) fail(abortReason(signal));
      };
      const timer = this.#clock.setTimer(timeoutMs, () => fail(linkTimeout(operation, resource, timeoutMs)));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, {
        resolve: (reply) => {
          release();
          resolve(reply);
        },
        reject: fail,
      });
      try {
        send();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Hands a message to the request that it answers; false when nobody waits for it. */
  answer(message: Message): boolean {
    const request = this.#waiting.get(message.header.parent_msg_id ?? "");
    if (!request) return false;
    request.resolve(message);
    return true;
  }

  /** Fails everything that waits. */
  failAll(error: Error): void {
    for (const request of [...this.#waiting.values()]) request.reject(error);
  }
}
