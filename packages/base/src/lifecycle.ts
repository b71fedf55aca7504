/** Something that runs until it is disposed. Construction does nothing; `start` begins. */
export interface Service extends AsyncDisposable {
  start(): Promise<void>;
}

/** A handle whose release undoes a registration. */
export function disposable(release: () => void): Disposable {
  let released = false;
  return {
    [Symbol.dispose](): void {
      if (released) return;
      released = true;
      release();
    },
  };
}

/** A set of listeners; one that throws does not stop the others. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(listener: (event: Event) => void): Disposable {
    this.#listeners.add(listener);
    return disposable(() => this.#listeners.delete(listener));
  }

  emit(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
