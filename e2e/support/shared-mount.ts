import { mkdirSync, rmdirSync } from "node:fs";
import { run } from "./run.ts";

/** A folder of the machine in which mounts are seen by whoever shares it; most machines' own mounts are shared, some are not. */
export class SharedMount implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Also where an earlier run that was killed has left its own. */
  static async make(folder: string): Promise<SharedMount> {
    mkdirSync(folder, { recursive: true });
    while ((await run(["umount", "--lazy", folder])).status === 0);
    await root("mount", "-t", "tmpfs", "skerry-e2e", folder);
    const mount = new SharedMount(folder);
    try {
      await root("mount", "--make-shared", folder);
    } catch (error) {
      await mount[Symbol.asyncDispose]();
      throw error;
    }
    return mount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await root("umount", "--lazy", this.#folder);
    rmdirSync(this.#folder);
  }
}

async function root(...command: readonly string[]): Promise<void> {
  const { status, stderr } = await run(command);
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
