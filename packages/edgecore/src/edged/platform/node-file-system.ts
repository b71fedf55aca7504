import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileStatus, FileSystem } from "../ports.ts";
import { diskUse } from "./disk-use.ts";

/** The {@link FileSystem} port over the machine's own files. */
export const nodeFileSystem: FileSystem = {
  async readFile(path, limitBytes, part = "start") {
    return unlessMissing(async () => {
      const file = await open(path, "r");
      try {
        const { size } = await file.stat();
        const buffer = Buffer.alloc(limitBytes);
        const position = part === "tail" ? Math.max(0, size - limitBytes) : 0;
        let filled = 0;
        // Files of /proc and /sys say they are empty, so the end is where nothing more comes.
        for (;;) {
          const { bytesRead } = await file.read(buffer, filled, limitBytes - filled, position + filled);
          filled += bytesRead;
          if (bytesRead === 0 || filled === limitBytes) return new Uint8Array(buffer.subarray(0, filled));
        }
      } finally {
        await file.close();
      }
    });
  },
  async writeFile(path, data, mode) {
    // An existing file keeps its inode: containers that mounted it see the new content.
    const file = await open(path, "w", mode);
    try {
      await file.writeFile(data);
      await file.chmod(mode);
    } finally {
      await file.close();
    }
  },
  async makeDirectory(path, mode) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, mode);
  },
  async listDirectory(path) {
    return (await unlessMissing(() => readdir(path))) ?? [];
  },
  async status(path) {
    const stats = await unlessMissing(() => lstat(path));
    if (!stats) return undefined;
    const kinds: [boolean, FileStatus["kind"]][] = [
      [stats.isFile(), "file"],
      [stats.isDirectory(), "directory"],
      [stats.isSymbolicLink(), "symlink"],
      [stats.isSocket(), "socket"],
      [stats.isCharacterDevice(), "character-device"],
      [stats.isBlockDevice(), "block-device"],
    ];
    return {
      kind: kinds.find(([is]) => is)?.[1] ?? "other",
      sizeBytes: stats.size,
      mode: stats.mode & 0o7777,
      groupId: canGiveToGroups() ? stats.gid : undefined,
    };
  },
  realPath: (path) => unlessMissing(() => realpath(path)),
  readLink: (path) => unlessMissing(() => readlink(path)),
  symlink,
  rename,
  remove: removeTree,
  diskUse,
  async setGroup(path, groupId, mode) {
    if (canGiveToGroups()) await chown(path, 0, groupId);
    await chmod(path, mode);
  },
  async shareTree(path, groupId, always) {
    const root = await lstat(path);
    const isShared = root.gid === groupId && (root.mode & SHARED_FOLDER) === SHARED_FOLDER;
    if (always || !isShared) await shareTree(path, groupId);
  },
};

/** Only root gives files away; without it all belongs to the one account that every container is. */
function canGiveToGroups(): boolean {
  return process.getuid?.() === 0;
}

/** Set-group-ID, and all for the group. */
const SHARED_FOLDER = 0o2070;
const SHARED_FILE = 0o060;

/** The root last: one that was not shared to its end is begun anew. */
async function shareTree(path: string, groupId: number): Promise<void> {
  const stats = await lstat(path);
  if (stats.isDirectory()) for (const name of await readdir(path)) await shareTree(join(path, name), groupId);
  await lchown(path, stats.uid, groupId);
  if (stats.isSymbolicLink()) return;
  await chmod(path, (stats.mode & 0o7777) | (stats.isDirectory() ? SHARED_FOLDER : SHARED_FILE));
}

/** `rm -rf`, but a folder that is a mount point of its own stops it: what is mounted there is not ours to delete. */
async function removeTree(path: string): Promise<void> {
  const stats = await unlessMissing(() => lstat(path));
  if (!stats) return;
  if (stats.isDirectory()) {
    const parent = await lstat(dirname(path));
    if (parent.dev !== stats.dev) {
      const error: NodeJS.ErrnoException = new Error(`${path} is a mount point; it is not removed`);
      error.code = "EBUSY";
      throw error;
    }
    for (const name of await readdir(path)) await removeTree(join(path, name));
  }
  await rm(path, { force: true, recursive: stats.isDirectory() });
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL") return undefined;
    throw error;
  }
}
