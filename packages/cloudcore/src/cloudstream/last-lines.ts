/** Kept of one log. */
const LIMIT_BYTES = 16 * 1024;
/** Of more containers the one read longest ago is forgotten: at most 4 MiB. */
const LIMIT_LOGS = 256;
const NEWLINE = 10;

/** The last lines of the logs that were read through this CloudCore, for when their node is offline. */
export class LastLines {
  readonly #logs = new Map<string, Uint8Array>();

  /** The log is read anew: what comes now takes the place of what was known. */
  begin(path: string): (block: Uint8Array) => void {
    let kept: Uint8Array = new Uint8Array();
    return (block) => {
      const joined = new Uint8Array(kept.length + block.length);
      joined.set(kept);
      joined.set(block, kept.length);
      kept = joined.length > LIMIT_BYTES ? wholeLines(joined.slice(-LIMIT_BYTES)) : joined;
      this.#logs.delete(path);
      this.#logs.set(path, kept);
      const oldest = this.#logs.keys().next();
      if (this.#logs.size > LIMIT_LOGS && !oldest.done) this.#logs.delete(oldest.value);
    };
  }

  /** The newest lines, at most so many; undefined when none were read. */
  of(path: string, tailLines: number | undefined): Uint8Array | undefined {
    const kept = this.#logs.get(path);
    if (!kept || tailLines === undefined) return kept;
    let wanted = tailLines + (kept.at(-1) === NEWLINE ? 1 : 0);
    for (let at = kept.length - 1; at >= 0; at--)
      if (kept[at] === NEWLINE && --wanted <= 0) return kept.subarray(at + 1);
    return kept;
  }
}

/** Without the line that was cut. */
function wholeLines(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.indexOf(NEWLINE) + 1);
}
