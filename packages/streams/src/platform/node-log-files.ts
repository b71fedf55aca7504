import { constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import type { LogFile, LogFiles } from "../logs/log-files.ts";

/** The {@link LogFiles} port over the machine's own files. */
export const nodeLogFiles: LogFiles = {
  async list(folder) {
    return (await unlessMissing(() => readdir(folder))) ?? [];
  },
  async open(path) {
    // A log is a plain file; a link could lead anywhere.
    const handle = await unlessMissing(() => open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
    if (!handle) return undefined;
    const stats = await handle.stat();
    if (stats.isFile()) return new OpenLogFile(handle, `${stats.dev}:${stats.ino}`);
    await handle.close();
    return undefined;
  },
  async idAt(path) {
    const stats = await unlessMissing(() => stat(path));
    return stats && `${stats.dev}:${stats.ino}`;
  },
};

class OpenLogFile implements LogFile {
  readonly id: string;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, id: string) {
    this.#handle = handle;
    this.id = id;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, limitBytes: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(limitBytes);
    const { bytesRead } = await this.#handle.read(buffer, 0, limitBytes, position);
    return buffer.subarray(0, bytesRead);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "ELOOP"].includes(String(error.code)))
      return undefined;
    throw error;
  }
}
