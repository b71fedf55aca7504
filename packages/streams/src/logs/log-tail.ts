import type { LogFile } from "./log-files.ts";

/** A place in a row of files. */
export interface LogPosition {
  readonly file: number;
  readonly position: number;
}

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/**
 * Where the last `lineCount` entries of the files, taken together, begin. Reads from the end, only what is needed.
 * @param lastSizeBytes of the last file: what was written behind it since does not count
 */
export async function findTail(
  files: readonly LogFile[],
  lineCount: number,
  lastSizeBytes: number,
): Promise<LogPosition> {
  // The newline that ends the last entry begins none.
  let wanted = lineCount + 1;
  let isLast = true;
  for (let file = files.length - 1; file >= 0; file--) {
    const log = files[file];
    if (!log) continue;
    const size = file === files.length - 1 ? lastSizeBytes : await log.sizeBytes();
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - BLOCK_BYTES);
      const block = await log.read(start, end - start);
      // A last entry without its newline yet is being written: it counts as one.
      if (isLast && block.length > 0 && block.at(-1) !== NEWLINE) wanted--;
      isLast = false;
      for (let at = block.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1))
        if (--wanted <= 0) return { file, position: start + at + 1 };
      end = start;
    }
  }
  return { file: 0, position: 0 };
}
