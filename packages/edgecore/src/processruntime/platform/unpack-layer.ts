import { createWriteStream } from "node:fs";
import { chmod, link, lstat, mkdir, readdir, readlink, rm, symlink, unlink, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isSkerryError } from "@skerry/base";
import { type Entry, extract } from "tar-stream";
import { imageInvalid } from "../errors.ts";
import { unpacked } from "./unpacked.ts";

/** How much an image may hold; shared by all its layers. */
export interface UnpackBudget {
  leftBytes: number;
  leftEntries: number;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const MAX_LINKS = 40;
const MAX_PATH_BYTES = 4096;
const OWNER_MAY_ENTER = 0o700;
const OWNER_MAY_READ = 0o600;
/** Without set-user-id and the like: they would mean the account that runs the node. */
const PERMISSIONS = 0o777;

/**
 * Unpacks one layer over what the layers below left in `root`, whiteouts included. Each path is resolved below `root`,
 * links too, as it would be if `root` were `/`. Devices are left out: an account without root cannot make them.
 * @param content the layer's bytes, packed or not
 * @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID`
 */
export async function unpackLayer(
  image: string,
  root: string,
  content: Readable,
  budget: UnpackBudget,
  signal?: AbortSignal,
): Promise<void> {
  const layer = new Layer(image, root, budget);
  const archive = extract();
  const feeding = unpacked(content)
    .then((plain) => pipeline(plain, archive, signal ? { signal } : {}))
    .catch((error: unknown) => {
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    });
  feeding.catch(() => undefined); // Awaited below.
  try {
    for await (const entry of archive) {
      await layer.add(entry);
      entry.resume();
    }
  } catch (error) {
    archive.destroy();
    signal?.throwIfAborted();
    throw isSkerryError(error) || isFileError(error) ? error : imageInvalid(image, "a layer is damaged", error);
  }
  await feeding;
}

/** A full disk is no fault of the image. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

class Layer {
  readonly #image: string;
  readonly #root: string;
  readonly #budget: UnpackBudget;
  /** What this layer has put there, so that its whiteouts take away only what was below. */
  readonly #own = new Set<string>();
  /** Real folders by the path they were asked for; empty again whenever something was replaced. */
  readonly #folders = new Map<string, string>();

  constructor(image: string, root: string, budget: UnpackBudget) {
    this.#image = image;
    this.#root = root;
    this.#budget = budget;
  }

  async add(entry: Entry): Promise<void> {
    const { header } = entry;
    this.#spend(header.size);
    const parts = this.#partsOf(header.name);
    const name = parts.at(-1);
    if (name === undefined) return; // The root itself.
    const folder = await this.#folder(parts.slice(0, -1));
    if (name === OPAQUE) return this.#clear(folder);
    const path = join(folder, name.startsWith(WHITEOUT) ? name.slice(WHITEOUT.length) : name);
    if (name.startsWith(WHITEOUT)) {
      if (basename(path) !== name.slice(WHITEOUT.length))
        throw imageInvalid(this.#image, `bad whiteout ${header.name}`);
      if (!this.#own.has(path)) await this.#remove(path);
      return;
    }
    await this.#put(path, entry);
    this.#own.add(path);
  }

  async #put(path: string, entry: Entry): Promise<void> {
    const { type, mode, mtime, linkname } = entry.header;
    const before = await lstat(path).catch(() => undefined);
    if (before && !(type === "directory" && before.isDirectory())) await this.#remove(path);
    switch (type) {
      case "directory":
        if (!before?.isDirectory()) await mkdir(path);
        await chmod(path, (mode & PERMISSIONS) | OWNER_MAY_ENTER);
        return;
      case "file":
      case "contiguous-file":
        await pipeline(entry, createWriteStream(path, { flags: "wx", mode: 0o600 }));
        await chmod(path, (mode & PERMISSIONS) | OWNER_MAY_READ);
        await utimes(path, mtime, mtime).catch(() => undefined);
        return;
      case "symlink":
        this.#folders.clear();
        await symlink(linkname ?? "", path);
        return;
      case "link": {
        const parts = this.#partsOf(linkname ?? "");
        const target = join(await this.#folder(parts.slice(0, -1)), parts.at(-1) ?? "");
        const found = await lstat(target).catch(() => undefined);
        if (!found || found.isDirectory()) throw imageInvalid(this.#image, `${entry.header.name} links to nothing`);
        await link(target, path);
        return;
      }
      default: // Devices and pipes.
        return;
    }
  }

  /** Removes what the layers below had in a folder. */
  async #clear(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (!this.#own.has(path)) await this.#remove(path);
    }
  }

  async #remove(path: string): Promise<void> {
    this.#folders.clear();
    await rm(path, { recursive: true, force: true });
  }

  #spend(bytes: number): void {
    this.#budget.leftBytes -= bytes;
    this.#budget.leftEntries -= 1;
    if (this.#budget.leftBytes < 0 || this.#budget.leftEntries < 0)
      throw imageInvalid(this.#image, "unpacked it is larger than an image may be here");
  }

  /** @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID` for a path that leads out */
  #partsOf(name: string): string[] {
    if (Buffer.byteLength(name) > MAX_PATH_BYTES || name.includes("\0"))
      throw imageInvalid(this.#image, "a path in it is too long or no path");
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes(".."))
      throw imageInvalid(this.#image, `the path ${JSON.stringify(name.slice(0, 100))} leads out`);
    return parts;
  }

  /** The real folder below the root that a path means, made where it is not there. */
  async #folder(parts: readonly string[]): Promise<string> {
    const key = parts.join("/");
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    let links = 0;
    let real: string[] = [];
    const open = [...parts];
    for (let part = open.shift(); part !== undefined; part = open.shift()) {
      if (part === "..") {
        real.pop();
        continue;
      }
      const path = join(this.#root, ...real, part);
      const found = await lstat(path).catch(() => undefined);
      if (found?.isSymbolicLink()) {
        if (++links > MAX_LINKS) throw imageInvalid(this.#image, `too many links on the way to ${key}`);
        const target = await readlink(path);
        if (target.startsWith("/")) real = [];
        open.unshift(...target.split("/").filter((each) => each !== "" && each !== "."));
        continue;
      }
      if (found && !found.isDirectory()) await unlink(path);
      if (!found?.isDirectory()) await mkdir(path, { mode: 0o755 });
      real.push(part);
    }
    const folder = join(this.#root, ...real);
    this.#folders.set(key, folder);
    return folder;
  }
}
