import { abortReason, type Clock } from "@skerry/base";

/** A stream that can be heard late, twice, or not at all: what becomes of one event, in milliseconds from now. */
export type EventFate = () => readonly number[];

const AT_ONCE: EventFate = () => [0];

/** The events of a {@link FakeContainerRuntime}, and all that may go wrong with them. */
export class FakeContainerEvents {
  readonly #clock: Clock;
  readonly #streams = new Set<{ readonly onChange: () => void; readonly end: () => void }>();
  /** When each event is heard; never, once or more often. */
  fate: EventFate = AT_ONCE;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Streams that are open. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Something happened to a container or sandbox. */
  tell(): void {
    for (const stream of this.#streams)
      for (const delayMs of this.fate())
        this.#clock.setTimer(delayMs, () => {
          if (this.#streams.has(stream)) stream.onChange();
        });
  }

  /** All streams end. */
  breakOff(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  /** What comes is heard as it should be from now on. */
  heal(): void {
    this.fate = AT_ONCE;
  }

  /** Resolves when the stream is broken off. @throws the signal's reason */
  watch(onChange: () => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = { onChange, end: () => resolve() };
      this.#streams.add(stream);
      signal.addEventListener("abort", () => {
        this.#streams.delete(stream);
        reject(abortReason(signal));
      });
    });
  }
}
