import { CriLineSplitter } from "./cri-lines.ts";
import type { LogOptions } from "./log-options.ts";

/** Turns blocks of a CRI log into what `kubectl logs` prints. */
export class LogFormatter {
  readonly #options: Pick<LogOptions, "timestamps" | "sinceMs">;
  readonly #splitter = new CriLineSplitter();
  /** Bytes that may still be printed. */
  #budgetBytes: number;
  #withinLine = false;

  constructor(options: Pick<LogOptions, "timestamps" | "sinceMs" | "limitBytes">) {
    this.#options = options;
    this.#budgetBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the limit of bytes has been printed. */
  get isFull(): boolean {
    return this.#budgetBytes <= 0;
  }

  format(block: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const { time, content, isPartial } of this.#splitter.push(block)) {
      const startsLine = !this.#withinLine;
      this.#withinLine = isPartial;
      const { sinceMs, timestamps } = this.#options;
      if (sinceMs !== undefined && Date.parse(time) < sinceMs) continue;
      if (timestamps && startsLine && time !== "") parts.push(new TextEncoder().encode(`${time} `));
      parts.push(content);
      if (!isPartial) parts.push(Uint8Array.of(10));
    }
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const output = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      output.set(part, at);
      at += part.length;
    }
    const printed = output.subarray(0, Math.min(size, this.#budgetBytes));
    this.#budgetBytes -= printed.length;
    return printed;
  }
}
