/** How Skerry is asked to stop. */
export type StopManner = "graceful" | "at once";

/** Whether somebody wants Skerry to stop, and how. */
export class StopRequest {
  readonly #asked = Promise.withResolvers<StopManner>();
  readonly #atOnce = Promise.withResolvers<void>();

  /** Resolves with what is asked for first. */
  get asked(): Promise<StopManner> {
    return this.#asked.promise;
  }

  /** Asked for at once in the middle of a graceful stop, pods have no more time of their own. */
  ask(manner: StopManner): void {
    this.#asked.resolve(manner);
    if (manner === "at once") this.#atOnce.resolve();
  }

  /** Waits until pods have ended, or until nobody wants to wait for them any longer. */
  async allowTime(podsEnded: Promise<void>): Promise<void> {
    await Promise.race([podsEnded, this.#atOnce.promise]);
  }
}
