import type { Message } from "../message.ts";

const DEFAULT_MAX_LENGTH = 4 * 1024 * 1024;

/** Messages that wait until the connection takes more, bounded by number and length: the oldest are dropped, and counted. */
export class WaitingMessages {
  readonly #maxCount: number;
  readonly #maxLength: number;
  readonly #items: { readonly message: Message; readonly length: number }[] = [];
  #length = 0;
  #droppedCount = 0;

  /** `maxLength`: of all contents together as JSON, in characters. */
  constructor(maxCount: number, maxLength: number = DEFAULT_MAX_LENGTH) {
    this.#maxCount = maxCount;
    this.#maxLength = maxLength;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** `leavesAtOnce`: it will not wait, so that nobody needs to know how long it is. */
  push(message: Message, leavesAtOnce: boolean): void {
    const length = leavesAtOnce ? 0 : JSON.stringify(message.content).length;
    this.#items.push({ message, length });
    this.#length += length;
    while (this.#items.length > this.#maxCount || (this.#length > this.#maxLength && this.#items.length > 1)) {
      this.shift();
      this.#droppedCount++;
    }
  }

  shift(): Message | undefined {
    const item = this.#items.shift();
    this.#length -= item?.length ?? 0;
    return item?.message;
  }
}
