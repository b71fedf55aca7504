import { mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { nothingReserved, type ReservedResources } from "@skerry/api";
import { type Clock, describeError, type Logger, Mutex, sleep } from "@skerry/base";
import { type Controller, groupFiles } from "../../processruntime/group-limits.ts";
import type { QualityOfService } from "../container/resources.ts";
import type { GroupLimits, PodGroup, PodGroups } from "../ports.ts";

/** The kubelet's names, which tools look for. */
const TOP = "kubepods";
const CLASS_FOLDER: Readonly<Record<QualityOfService, string>> = {
  Guaranteed: "",
  Burstable: "burstable",
  BestEffort: "besteffort",
};
const CONTROLLERS: readonly Controller[] = ["cpu", "memory"];
/** What the groups below may limit. */
const HANDED_DOWN = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];
const LEAST_SHARES = 2;
/** The runtime may need a moment until it has removed what it had in a pod's group. */
const REMOVAL_TRIES = 10;
const REMOVAL_PAUSE_MS = 200;
const SHARES_OF_A_PROCESSOR = 1024;
const UID = /^[\w.-]{1,253}$/;

/** What of edgecore.yaml holds for all pods of the node. */
export interface NodeLimits {
  /** So many processes a pod has at most; undefined: any. */
  readonly podPidsLimit?: number | undefined;
  /** What pods together do not get. */
  readonly reserved?: Pick<ReservedResources, "cpuMilli" | "memoryBytes">;
}

/** Where the kernel shows control groups. */
interface Hierarchies {
  readonly version: 1 | 2;
  /** Runtimes use all of them, so that a pod's group is made and removed in each. */
  readonly folders: readonly string[];
  /** What can be limited. */
  readonly limited: readonly Controller[];
}

/**
 * Pods' control groups as the kubelet's: `kubepods/burstable/pod<UID>`. All that guaranteed pods and the class Burstable
 * get of a busy processor is what they asked for; BestEffort gets what is left.
 */
export class PodControlGroups implements PodGroups {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: NodeLimits;
  readonly #root: string;
  /** One change at a time: a class's group goes with its last pod and comes with its next. */
  readonly #changes = new Mutex();
  /** Shares of the burstable pods by UID. */
  readonly #burstable = new Map<string, number>();
  #hierarchies: Hierarchies | undefined;
  #hasTold = false;
  #hasToldOfMemory = false;

  constructor(clock: Clock, logger: Logger, limits: NodeLimits = {}, root: string = "/sys/fs/cgroup") {
    this.#clock = clock;
    this.#logger = logger;
    this.#limits = limits;
    this.#root = root;
  }

  provide(group: PodGroup): Promise<string | undefined> {
    return this.#changes.run(async () => {
      try {
        return await this.#provide(group);
      } catch (error) {
        if (!this.#hasTold)
          this.#logger.warn("Not every pod has a control group of its own; only its containers are limited", {
            uid: group.uid,
            error: describeError(error),
          });
        this.#hasTold = true;
        return undefined;
      }
    });
  }

  async remove(uid: string): Promise<void> {
    if (!UID.test(uid)) return;
    for (let attempt = 1; await this.#changes.run(() => this.#isStillUsed(uid)); attempt++) {
      if (attempt === REMOVAL_TRIES) {
        this.#logger.warn("A pod's control group is still in use; the next start of EdgeCore tries again", { uid });
        return;
      }
      await sleep(this.#clock, REMOVAL_PAUSE_MS);
    }
  }

  /** Removes the pod's group; returns whether the kernel refused. */
  async #isStillUsed(uid: string): Promise<boolean> {
    let isUsed = false;
    const { folders } = await this.#found().catch(() => ({ folders: [] }));
    for (const folder of folders)
      for (const name of Object.values(CLASS_FOLDER)) {
        const removal = await remove(join(folder, TOP, name, `pod${uid}`));
        if (removal === "in-use") isUsed = true;
        if (removal !== "removed") continue;
        // The class and the top go with the last pod; the kernel refuses while there are others.
        if (name === "" || (await remove(join(folder, TOP, name))) === "removed") await remove(join(folder, TOP));
      }
    if (this.#burstable.delete(uid)) await this.#shareOut().catch(() => undefined);
    return isUsed;
  }

  async #provide({ uid, qualityOfService, limits }: PodGroup): Promise<string> {
    if (!UID.test(uid)) throw new Error(`${JSON.stringify(uid)} cannot be a group's name`);
    const { version, folders } = await this.#found();
    const names = [TOP, CLASS_FOLDER[qualityOfService], `pod${uid}`].filter((name) => name !== "");
    for (const folder of folders) {
      await mkdir(join(folder, ...names), { recursive: true });
      if (version === 2) await handDown(folder, names);
    }
    await this.#write(names, limits);
    await this.#limitProcesses(version, names);
    await this.#limitTop(version);
    if (qualityOfService === "BestEffort") await this.#writeShares([TOP, CLASS_FOLDER.BestEffort], LEAST_SHARES);
    if (qualityOfService === "Burstable") {
      this.#burstable.set(uid, limits.cpuShares);
      await this.#shareOut();
    }
    return `/${names.join("/")}`;
  }

  async #limitProcesses(version: 1 | 2, names: readonly string[]): Promise<void> {
    const limit = this.#limits.podPidsLimit;
    const file = join(this.#root, version === 1 ? "pids" : "", ...names, "pids.max");
    await writeFile(file, String(limit ?? "max")).catch((error: unknown) => {
      if (limit !== undefined) throw error;
    });
  }

  /** All pods together have what is not reserved. The kernel refuses when they use more memory already: then as before. */
  async #limitTop(version: 1 | 2): Promise<void> {
    const { cpuMilli, memoryBytes } = this.#limits.reserved ?? nothingReserved;
    const shares = Math.floor((availableParallelism() - cpuMilli / 1000) * SHARES_OF_A_PROCESSOR);
    await this.#writeShares([TOP], Math.max(LEAST_SHARES, shares));
    const limit = totalmem() - memoryBytes;
    const isLimited = memoryBytes > 0 && limit > 0;
    const [file, none] =
      version === 1 ? ["memory/kubepods/memory.limit_in_bytes", "-1"] : ["kubepods/memory.max", "max"];
    await writeFile(join(this.#root, file), isLimited ? String(limit) : none).catch((error: unknown) => {
      if (isLimited && !this.#hasToldOfMemory)
        this.#logger.warn("Pods together cannot be kept out of the memory that is reserved", {
          error: describeError(error),
        });
      this.#hasToldOfMemory ||= isLimited;
    });
  }

  /** The class Burstable has as much as its pods asked for together. */
  async #shareOut(): Promise<void> {
    const sum = [...this.#burstable.values()].reduce((left, right) => left + right, 0);
    if (sum > 0) await this.#writeShares([TOP, CLASS_FOLDER.Burstable], sum);
  }

  #writeShares(names: readonly string[], cpuShares: number): Promise<void> {
    return this.#write(names, { cpuPeriodUs: 0, cpuQuotaUs: 0, cpuShares, memoryBytes: 0 }, ["cpu"]);
  }

  async #write(names: readonly string[], limits: GroupLimits, controllers = CONTROLLERS): Promise<void> {
    const { version, limited } = await this.#found();
    for (const controller of controllers) {
      if (!limited.includes(controller)) continue;
      const folder = join(this.#root, version === 1 ? controller : "", ...names);
      for (const { name, text, isOptional } of groupFiles(version, controller, limits))
        await writeFile(join(folder, name), text).catch((error: unknown) => {
          if (!isOptional) throw error;
        });
    }
  }

  async #found(): Promise<Hierarchies> {
    if (this.#hierarchies) return this.#hierarchies;
    const found = await find(this.#root);
    for (const folder of found.folders)
      for (const name of Object.values(CLASS_FOLDER)) await removeUnused(join(folder, TOP, name));
    // What ran before this process started counts too.
    const folder = join(this.#root, found.version === 1 ? "cpu" : "", TOP, CLASS_FOLDER.Burstable);
    for (const name of await podsIn(folder))
      this.#burstable.set(name.slice("pod".length), await sharesOf(join(folder, name), found.version));
    this.#hierarchies = found;
    return found;
  }
}

async function find(root: string): Promise<Hierarchies> {
  const unified = await readFile(join(root, "cgroup.controllers"), "latin1").catch(() => undefined);
  if (unified !== undefined) {
    const given = unified.trim().split(" ");
    return { version: 2, folders: [root], limited: CONTROLLERS.filter((each) => given.includes(each)) };
  }
  const entries = await readdir(root, { withFileTypes: true });
  // Some are there by several names; beside them may be one of version 2, in which nothing is limited.
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== "unified").map(({ name }) => name);
  const limited: Controller[] = [];
  for (const each of CONTROLLERS) if (await isThere(join(root, each))) limited.push(each);
  if (limited.length === 0)
    throw new Error(`no control groups for ${CONTROLLERS.join(" and ")} are mounted at ${root}`);
  return { version: 1, folders: names.map((name) => join(root, name)), limited };
}

/**
 * Lets the groups below each one on the way limit what they may. Each by itself: the kernel refuses them all when it lacks
 * one.
 */
async function handDown(root: string, names: readonly string[]): Promise<void> {
  for (let depth = 0; depth < names.length; depth++)
    for (const controller of HANDED_DOWN)
      await writeFile(join(root, ...names.slice(0, depth), "cgroup.subtree_control"), `+${controller}`).catch(
        () => undefined,
      );
}

/** The pod's shares of the processors; of version 2 those that come next to its weight. */
async function sharesOf(folder: string, version: 1 | 2): Promise<number> {
  const text = await readFile(join(folder, version === 1 ? "cpu.shares" : "cpu.weight"), "latin1").catch(() => "0");
  return version === 1 ? Number(text) : LEAST_SHARES + Math.round(((Number(text) - 1) * 262_142) / 9_999);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function podsIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => name.startsWith("pod"));
}

/** Removes the groups of pods that have ended while nobody looked; the kernel refuses while anything runs in one. */
async function removeUnused(folder: string): Promise<void> {
  for (const name of await podsIn(folder)) await remove(join(folder, name));
}

async function remove(folder: string): Promise<"removed" | "in-use" | "not-there"> {
  try {
    await rmdir(folder);
    return "removed";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "EBUSY" || code === "ENOTEMPTY" ? "in-use" : "not-there";
  }
}
