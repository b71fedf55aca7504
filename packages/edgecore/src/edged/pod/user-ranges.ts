import { join } from "node:path";
import { Mutex } from "@skerry/base";
import { userRangesExhausted } from "../errors.ts";
import type { FileSystem, UserRange } from "../ports.ts";
import { USERS_OF_POD, usersForPods } from "./machine-users.ts";
import type { PodPaths } from "./pod-paths.ts";

/** In a pod's folder, so that its range is kept as long as its files are, whatever becomes of the database. */
const FILE = "first-user";
const LIMIT_BYTES = 64;
const FOLDER_MODE = 0o755;

/**
 * Which users of the machine the users of a pod with a user namespace are: 65,536 for each pod, as the kubelet gives them. A
 * pod keeps them over restarts of EdgeCore, and gives them back when it has ended, at the latest with its folder.
 */
export class UserRanges {
  readonly #files: FileSystem;
  readonly #maxPods: number;
  /** So that no range is given twice. */
  readonly #giving = new Mutex();

  constructor(files: FileSystem, maxPods: number) {
    this.#files = files;
    this.#maxPods = maxPods;
  }

  /**
   * The pod's range: the one that it has, else the first that is free.
   * @throws `EDGED_USERS_EXHAUSTED`, `EDGED_USERS_UNUSABLE`
   */
  provide({ root, parent }: PodPaths): Promise<UserRange> {
    return this.#giving.run(async () => {
      const firstHostId = (await this.#firstUserOf(root)) ?? (await this.#give(root, parent));
      return { firstHostId, length: USERS_OF_POD };
    });
  }

  /** Another pod may have the range: nothing of this one runs any more, nor will. */
  async release({ root }: PodPaths): Promise<void> {
    await this.#files.remove(join(root, FILE));
  }

  async #give(root: string, podsFolder: string): Promise<number> {
    const { first, count } = await usersForPods(this.#files, this.#maxPods);
    const folders = await this.#files.listDirectory(podsFolder);
    const taken = new Set(await Promise.all(folders.map((name) => this.#firstUserOf(join(podsFolder, name)))));
    const free = Array.from({ length: count }, (_, index) => first + index * USERS_OF_POD).find((id) => !taken.has(id));
    if (free === undefined) throw userRangesExhausted(count);
    await this.#files.makeDirectory(root, FOLDER_MODE);
    await this.#files.writeFile(join(root, FILE), new TextEncoder().encode(`${free}\n`), 0o600);
    return free;
  }

  /** Undefined also where the writing was cut off: that pod has no sandbox yet. */
  async #firstUserOf(podFolder: string): Promise<number | undefined> {
    const bytes = await this.#files.readFile(join(podFolder, FILE), LIMIT_BYTES);
    const [, digits] = /^(\d+)\n$/.exec(new TextDecoder().decode(bytes)) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }
}
