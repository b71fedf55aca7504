import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { imageInvalid } from "../errors.ts";
import { type ImageConfig, readImageConfig } from "../image-manifest.ts";
import { parseImageReference } from "../image-reference.ts";
import { removeTree } from "./remove-tree.ts";
import { type UnpackBudget, unpackLayer } from "./unpack-layer.ts";

/** An image as it lies unpacked in the store. */
export interface StoredImage {
  /** `sha256:` of its configuration, as other runtimes name it. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly config: ImageConfig;
  /** The folder with its files: all layers in one. */
  readonly rootFolder: string;
  readonly names: readonly string[];
}

/** Where an image's parts come from. */
export interface ImageSource {
  /** For messages. */
  readonly image: string;
  /** The configuration's very bytes. */
  readonly config: Buffer;
  /** The layers' bytes, packed or not, the lowest first; each is asked for once. */
  readonly layers: readonly (() => Promise<Readable>)[];
}

export interface ImageStoreOptions {
  readonly folder: string;
  /** Of one image, unpacked. @default 8 GiB */
  readonly largestImageBytes?: number;
}

const LARGEST_IMAGE_BYTES = 8 * 1024 ** 3;
const MOST_ENTRIES = 1_000_000;

/**
 * Unpacked images on disk. Each has a folder that appears whole or not at all, and a small file a name, so that several
 * processes may use one store.
 */
export class ImageStore {
  readonly #folder: string;
  readonly #largestImageBytes: number;

  constructor({ folder, largestImageBytes = LARGEST_IMAGE_BYTES }: ImageStoreOptions) {
    this.#folder = folder;
    this.#largestImageBytes = largestImageBytes;
  }

  /** Where the images are. */
  get folder(): string {
    return this.#folder;
  }

  /** Makes the folders, and removes what an interrupted unpacking has left. */
  async open(): Promise<void> {
    for (const sub of ["images", "names", "unpacking"])
      await mkdir(join(this.#folder, sub), { recursive: true, mode: 0o700 });
    for (const name of await readdir(join(this.#folder, "unpacking")))
      if (!isAlive(name)) await removeTree(join(this.#folder, "unpacking", name));
  }

  /** The image by name or id; undefined when it is not here. */
  async find(image: string): Promise<StoredImage | undefined> {
    const id = image.startsWith("sha256:") ? image : await this.#idOf(parseImageReference(image).name);
    return id === undefined ? undefined : this.#read(id, (await this.#names()).get(id) ?? []);
  }

  async list(): Promise<StoredImage[]> {
    const names = await this.#names();
    const found: StoredImage[] = [];
    for (const hash of await readdir(join(this.#folder, "images"))) {
      const image = await this.#read(`sha256:${hash}`, names.get(`sha256:${hash}`) ?? []);
      if (image) found.push(image);
    }
    return found;
  }

  /**
   * Unpacks an image that is not here yet, and gives it names. Returns its id.
   * @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID`
   */
  async add(source: ImageSource, names: readonly string[], signal?: AbortSignal): Promise<string> {
    const hash = createHash("sha256").update(source.config).digest("hex");
    const target = join(this.#folder, "images", hash);
    if (!(await exists(join(target, "image.json")))) await this.#unpack(source, target, signal);
    for (const name of names) await this.#name(parseImageReference(name).name, `sha256:${hash}`);
    return `sha256:${hash}`;
  }

  /** Removes the image with all its names; one that is not here is fine. */
  async remove(image: string): Promise<void> {
    const found = await this.find(image);
    if (!found) return;
    for (const name of found.names) await unlink(this.#namePath(name)).catch(() => undefined);
    // Away in one step: nobody finds half an image.
    const away = join(this.#folder, "unpacking", `${process.pid}-${randomBytes(8).toString("hex")}`);
    await rename(join(this.#folder, "images", found.id.slice("sha256:".length)), away);
    await removeTree(away);
  }

  async #unpack(source: ImageSource, target: string, signal: AbortSignal | undefined): Promise<void> {
    const config = readImageConfig(source.image, source.config.toString("utf8"));
    const folder = join(this.#folder, "unpacking", `${process.pid}-${randomBytes(8).toString("hex")}`);
    const root = join(folder, "rootfs");
    const budget: UnpackBudget = { leftBytes: this.#largestImageBytes, leftEntries: MOST_ENTRIES };
    try {
      await mkdir(root, { recursive: true, mode: 0o755 });
      for (const layer of source.layers) {
        signal?.throwIfAborted();
        await unpackLayer(source.image, root, await layer(), budget, signal);
      }
      const sizeBytes = this.#largestImageBytes - budget.leftBytes;
      await writeFile(join(folder, "image.json"), JSON.stringify({ sizeBytes, config }), { mode: 0o600 });
      await rename(folder, target).catch(async (error: unknown) => {
        // Another process was faster.
        if (!(await exists(join(target, "image.json")))) throw error;
      });
    } finally {
      await removeTree(folder);
    }
  }

  async #read(id: string, names: readonly string[]): Promise<StoredImage | undefined> {
    const folder = join(this.#folder, "images", id.slice("sha256:".length).replaceAll("/", ""));
    try {
      const { sizeBytes, config } = JSON.parse(await readFile(join(folder, "image.json"), "utf8")) as StoredImage;
      return { id, sizeBytes, config, rootFolder: join(folder, "rootfs"), names };
    } catch {
      return undefined;
    }
  }

  async #name(name: string, id: string): Promise<void> {
    const path = this.#namePath(name);
    const temporary = `${path}.${process.pid}.new`;
    await writeFile(temporary, `${id}\n${name}\n`, { mode: 0o600 }).catch((error: unknown) => {
      throw imageInvalid(name, "its name cannot be kept", error);
    });
    await rename(temporary, path);
  }

  async #idOf(name: string): Promise<string | undefined> {
    const text = await readFile(this.#namePath(name), "utf8").catch(() => undefined);
    return text?.split("\n")[0];
  }

  async #names(): Promise<Map<string, string[]>> {
    const names = new Map<string, string[]>();
    for (const file of await readdir(join(this.#folder, "names"))) {
      if (file.endsWith(".new")) continue;
      const text = await readFile(join(this.#folder, "names", file), "utf8").catch(() => "");
      const [id = "", name = ""] = text.split("\n");
      if (id !== "") names.set(id, [...(names.get(id) ?? []), name]);
    }
    return names;
  }

  /** A name may be longer than a file's. */
  #namePath(name: string): string {
    return join(this.#folder, "names", createHash("sha256").update(name).digest("hex"));
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Whether the process that a folder is named after still runs. */
function isAlive(name: string): boolean {
  const processId = Number(name.split("-")[0]);
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
