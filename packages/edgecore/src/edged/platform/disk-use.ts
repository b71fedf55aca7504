import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DiskUse } from "../ports.ts";

const BLOCK_BYTES = 512;

/** Blocks and inodes of a file or folder with all in it, as `du -x` counts them. What vanishes meanwhile does not count. */
export async function diskUse(path: string): Promise<DiskUse> {
  const top = await status(path);
  if (!top) return { bytes: 0, inodes: 0 };
  const total = { bytes: 0, inodes: 0 };
  const linked = new Set<number>();
  const folders: string[] = [];
  const add = (stats: Stats, at: string): void => {
    if (stats.dev !== top.dev) return;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (linked.has(stats.ino)) return;
      linked.add(stats.ino);
    }
    total.bytes += stats.blocks * BLOCK_BYTES;
    total.inodes += 1;
    if (stats.isDirectory()) folders.push(at);
  };
  add(top, path);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const name of await names(folder)) {
      const at = join(folder, name);
      const stats = await status(at);
      if (stats) add(stats, at);
    }
  return total;
}

async function status(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch {
    return undefined;
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
