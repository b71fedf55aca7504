/**
 * The end of a request: its caller's signal, or the end of its time. Unlike `AbortSignal.any` and `AbortSignal.timeout`
 * it leaves nothing behind when the request is done: those live until the time is over, of many requests a second.
 */
export class RequestDeadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort();
    }, timeoutMs);
    if (caller?.aborted) this.#controller.abort(caller.reason);
    else caller?.addEventListener("abort", this.#onCallerAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time ran out, before the caller gave up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From here on only the caller's signal counts. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.lift();
    this.#caller?.removeEventListener("abort", this.#onCallerAbort);
  }

  readonly #onCallerAbort = (): void => this.#controller.abort(this.#caller?.reason);
}
