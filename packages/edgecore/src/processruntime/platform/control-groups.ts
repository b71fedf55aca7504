import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Logger } from "@skerry/base";
import { sendSignal } from "@skerry/base/platform";
import type { GroupLimits } from "../../edged/ports.ts";
import { type Controller, groupFiles } from "../group-limits.ts";
import { runTool } from "./run-tool.ts";

/** A folder in which control groups may be made, and what they limit there. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
  readonly folder: string;
}

/** What limits containers have on this machine. */
export type LimitAbility = Readonly<Record<Controller, boolean>>;

/** Where the kernel shows control groups. */
export interface GroupMachine {
  /** Where they are mounted. */
  readonly root: string;
  /** Names this process' own group. */
  readonly ownGroupFile: string;
  readonly isRoot: boolean;
}

const THIS_MACHINE: GroupMachine = {
  root: "/sys/fs/cgroup",
  ownGroupFile: "/proc/self/cgroup",
  isRoot: process.getuid?.() === 0,
};
const CONTROLLERS: readonly Controller[] = ["cpu", "memory"];
const REMOVE_LIMIT_MS = 5_000;
const REMOVE_INTERVAL_MS = 50;

/** Moves itself into groups, then becomes the command. Arguments: files `cgroup.procs`, `--`, the command. */
const JOIN_SCRIPT = `while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done
shift
exec "$@"`;

/** Control groups of the containers of one process runtime: a folder each, where the account may make them. */
export class ControlGroups {
  readonly #hierarchies: readonly Hierarchy[];
  readonly #busybox: string;
  readonly #logger: Logger;

  /** @param hierarchies folders that are there */
  constructor(hierarchies: readonly Hierarchy[], busybox: string, logger: Logger) {
    this.#hierarchies = hierarchies;
    this.#busybox = busybox;
    this.#logger = logger;
  }

  /**
   * Finds out what control groups this account may make: of version 2 beside its own group where that is delegated, as
   * systemd does for user services, and as root anywhere.
   * @param owner the runtime's folder; each has groups of its own
   */
  static async find(
    owner: string,
    busybox: string,
    logger: Logger,
    machine: GroupMachine = THIS_MACHINE,
  ): Promise<ControlGroups> {
    const usable: Hierarchy[] = [];
    for (const { version, folder } of await places(owner, machine)) {
      try {
        await mkdir(folder, { recursive: true });
        const controllers = await enabled(version, folder, machine);
        if (controllers.length > 0 && (await mayJoin(folder, busybox))) usable.push({ version, controllers, folder });
        else await rmdir(folder);
      } catch {
        // Not ours to use.
      }
    }
    return new ControlGroups(usable, busybox, logger);
  }

  /** What is limited by them. */
  get limits(): LimitAbility {
    const has = (controller: Controller): boolean =>
      this.#hierarchies.some(({ controllers }) => controllers.includes(controller));
    return { cpu: has("cpu"), memory: has("memory") };
  }

  /** Makes a container's groups. */
  async create(id: string, limits: GroupLimits): Promise<void> {
    for (const { folder } of this.#hierarchies) await mkdir(join(folder, id), { recursive: true });
    await this.update(id, limits);
  }

  /** Gives a container other limits. @throws when the kernel refuses them */
  async update(id: string, limits: GroupLimits): Promise<void> {
    for (const { version, controllers, folder } of this.#hierarchies)
      for (const controller of controllers)
        for (const { name, text, isOptional } of groupFiles(version, controller, limits))
          await writeFile(join(folder, id, name), text).catch((error: unknown) => {
            if (!isOptional) throw error;
          });
  }

  /** What a process of the container begins with, so that it and all below it are in its groups. */
  joining(id: string): string[] {
    const files = this.#hierarchies.map(({ folder }) => join(folder, id, "cgroup.procs"));
    return files.length === 0 ? [] : [this.#busybox, "sh", "-c", JOIN_SCRIPT, "join", ...files, "--"];
  }

  /** Whether the kernel has killed a process of the container because its memory was used up. */
  wasOutOfMemory(id: string): boolean {
    return this.#hierarchies.some(({ version, controllers, folder }) => {
      if (!controllers.includes("memory")) return false;
      const name = version === 2 ? "memory.events" : "memory.oom_control";
      try {
        return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(folder, id, name), "latin1"))?.[1] ?? 0) > 0;
      } catch {
        return false;
      }
    });
  }

  /** Removes a container's groups; what still runs in them is killed. */
  async remove(id: string): Promise<void> {
    const removed = await Promise.all(this.#hierarchies.map(({ folder }) => removeGroup(join(folder, id))));
    if (removed.includes(false))
      this.#logger.warn("A container's control groups cannot be removed; processes in them do not end", {
        container: id,
      });
  }
}

/**
 * Removes all groups of a runtime that has ended; its containers were killed before. Returns the containers that had some.
 * @param owner its folder
 */
export async function removeControlGroups(owner: string): Promise<string[]> {
  const ids = new Set<string>();
  for (const { folder } of await places(owner, THIS_MACHINE)) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isDirectory()) continue;
      ids.add(entry.name);
      await removeGroup(join(folder, entry.name));
    }
    await removeGroup(folder);
  }
  return [...ids];
}

/** Where groups of this runtime belong, whether or not the account may make them. */
async function places(
  owner: string,
  { root, ownGroupFile, isRoot }: GroupMachine,
): Promise<Pick<Hierarchy, "version" | "folder">[]> {
  const path = await realpath(owner).catch(() => owner);
  const name = `skerry-process-${createHash("sha256").update(path).digest("hex").slice(0, 12)}`;
  const unified = await readFile(join(root, "cgroup.controllers"), "latin1").catch(() => undefined);
  if (unified === undefined) return CONTROLLERS.map((each) => ({ version: 1, folder: join(root, each, name) }));
  const own = /^0::(\/.*)$/m.exec(await readFile(ownGroupFile, "latin1").catch(() => ""))?.[1] ?? "/";
  // Beside the own group: one with processes in it may have none below it.
  return [{ version: 2, folder: join(root, isRoot ? "/" : dirname(own), name) }];
}

/** The controllers that groups in a folder have, switched on for those below it. */
async function enabled(version: 1 | 2, folder: string, { root }: GroupMachine): Promise<Controller[]> {
  if (version === 1) return CONTROLLERS.filter((each) => folder.startsWith(join(root, each)));
  // For root the machine's own first group gives them; elsewhere they are given or not. Each by itself: the kernel refuses
  // them all when it lacks one, as machines do that start with `cgroup_disable=memory`.
  for (const each of CONTROLLERS)
    await writeFile(join(dirname(folder), "cgroup.subtree_control"), `+${each}`).catch(() => undefined);
  const given = (await readFile(join(folder, "cgroup.controllers"), "latin1")).trim().split(" ");
  const controllers = CONTROLLERS.filter((each) => given.includes(each));
  if (controllers.length > 0)
    await writeFile(join(folder, "cgroup.subtree_control"), controllers.map((each) => `+${each}`).join(" "));
  return controllers;
}

async function mayJoin(folder: string, busybox: string): Promise<boolean> {
  const check = join(folder, `check-${process.pid}`);
  await mkdir(check);
  const joined = await runTool([
    busybox,
    "sh",
    "-c",
    JOIN_SCRIPT,
    "join",
    join(check, "cgroup.procs"),
    "--",
    busybox,
    "true",
  ]);
  await removeGroup(check);
  return joined.status === 0;
}

/**
 * A group is busy until its last process was reaped; those that the container has left behind are killed. Returns whether
 * that was done in time.
 */
async function removeGroup(folder: string): Promise<boolean> {
  const deadlineMs = performance.now() + REMOVE_LIMIT_MS;
  for (;;) {
    const code = await rmdir(folder).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code !== "EBUSY") return true;
    if (performance.now() > deadlineMs) return false;
    const ids = await readFile(join(folder, "cgroup.procs"), "latin1").catch(() => "");
    for (const id of ids.split("\n").filter(Boolean)) sendSignal(Number(id), "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, REMOVE_INTERVAL_MS));
  }
}
