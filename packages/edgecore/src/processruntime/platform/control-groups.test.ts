import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ControlGroups } from "./control-groups.ts";

const LIMITS = { cpuPeriodUs: 100_000, cpuQuotaUs: 50_000, cpuShares: 1024, memoryBytes: 64 * 1024 ** 2 };
/** As systemd gives a service of a user. */
const SERVICE = "/user.slice/user-1000.slice/user@1000.service/app.slice/skerry.service";

/**
 * The files of version 2 as a kernel shows them, with the runtime's folder where the runtime looks for it: a plain folder
 * has no files of its own accord.
 */
class UnifiedTree {
  readonly folder: string;
  /** The runtime's, whose path names its groups. */
  readonly owner: string;

  constructor(context: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), "skerry-groups-"));
    this.owner = join(this.folder, "runtime");
    mkdirSync(this.owner);
    context.after(() => rmSync(this.folder, { recursive: true, force: true }));
    this.write("root/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
    this.write("own", `0::${SERVICE}\n`);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** Finds what may be made in the folder below `parent`, where the kernel offers these controllers. */
  groups(parent: string, controllers: string, isRoot: boolean): Promise<ControlGroups> {
    this.write(`${this.groupOf(parent)}/cgroup.controllers`, controllers);
    const busybox = join(this.folder, "busybox");
    writeFileSync(busybox, '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const machine = { root: join(this.folder, "root"), ownGroupFile: join(this.folder, "own"), isRoot };
    return ControlGroups.find(this.owner, busybox, silentLogger, machine);
  }

  groupOf(parent: string): string {
    return `root${parent}/skerry-process-${createHash("sha256").update(this.owner).digest("hex").slice(0, 12)}`;
  }
}

test("with version 2 an account has limits in a folder beside its own service's, for each container", async (context) => {
  const tree = new UnifiedTree(context);
  const beside = dirname(SERVICE);
  const groups = await tree.groups(beside, "cpu memory pids\n", false);
  assert.deepEqual(groups.limits, { cpu: true, memory: true });
  assert.equal(tree.read(`${tree.groupOf(beside)}/cgroup.subtree_control`), "+cpu +memory");
  await groups.create("c", LIMITS);
  const file = (name: string): string => tree.read(`${tree.groupOf(beside)}/c/${name}`);
  assert.deepEqual(["cpu.max", "cpu.weight", "memory.max", "memory.swap.max"].map(file), [
    ...["50000 100000", "39", String(64 * 1024 ** 2), "0"],
  ]);
  await groups.update("c", { ...LIMITS, memoryBytes: 0 });
  assert.equal(file("memory.max"), "max");
  assert.ok(groups.joining("c").includes(join(tree.folder, tree.groupOf(beside), "c", "cgroup.procs")));
});

test("with version 2 root's groups are the machine's, and only controllers that it offers limit anything", async (context) => {
  const tree = new UnifiedTree(context);
  const groups = await tree.groups("", "cpuset memory\n", true);
  assert.deepEqual(groups.limits, { cpu: false, memory: true });
  // Each was switched on by a write of its own: a kernel refuses all of one write when it lacks one of them.
  assert.equal(tree.read("root/cgroup.subtree_control"), "+memory");
  await groups.create("c", LIMITS);
  const events = `${tree.groupOf("")}/c/memory.events`;
  const counted = (kills: number): string => `low 0\nhigh 0\nmax 12\noom 3\noom_kill ${kills}\noom_group_kill 0\n`;
  tree.write(events, counted(0));
  assert.equal(groups.wasOutOfMemory("c"), false);
  tree.write(events, counted(1));
  assert.equal(groups.wasOutOfMemory("c"), true);
});

test("where nothing is delegated there are no limits, and nothing is joined", async (context) => {
  const tree = new UnifiedTree(context);
  const groups = await tree.groups(dirname(SERVICE), "\n", false);
  assert.deepEqual([groups.limits, groups.joining("c")], [{ cpu: false, memory: false }, []]);
});
