import { invariant } from "@skerry/base";

/** One entry of a tar archive. Paths are relative, without a leading slash. */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly content: Uint8Array; readonly mode?: number }
  | { readonly kind: "folder"; readonly path: string; readonly mode?: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const BLOCK_BYTES = 512;
const TYPE_FLAGS = { file: "0", link: "2", folder: "5" } as const;
const DEFAULT_MODES = { file: 0o644, link: 0o777, folder: 0o755 } as const;

/**
 * Writes a POSIX ustar archive. Owner root, times zero: the same entries give the same bytes, so that an image built
 * again keeps its digest. Paths up to 100 bytes, which is all that images made here need.
 */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    const content = entry.kind === "file" ? entry.content : new Uint8Array(0);
    blocks.push(header(entry, content.byteLength), content, new Uint8Array(-content.byteLength & (BLOCK_BYTES - 1)));
  }
  blocks.push(new Uint8Array(2 * BLOCK_BYTES));
  return Buffer.concat(blocks);
}

function header(entry: TarEntry, sizeBytes: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  const path = entry.kind === "folder" ? `${entry.path}/` : entry.path;
  const target = entry.kind === "link" ? entry.target : "";
  const mode = entry.kind === "link" ? DEFAULT_MODES.link : (entry.mode ?? DEFAULT_MODES[entry.kind]);
  invariant(Buffer.byteLength(path) <= 100 && Buffer.byteLength(target) <= 100, `tar path of 100 bytes: ${path}`);
  block.write(path, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write("        ", 148);
  block.write(TYPE_FLAGS[entry.kind], 156);
  block.write(target, 157);
  block.write("ustar\u000000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
