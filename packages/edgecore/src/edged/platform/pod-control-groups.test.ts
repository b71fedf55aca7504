import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Logger, silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import type { PodGroup } from "../ports.ts";
import { PodControlGroups } from "./pod-control-groups.ts";

const MIB = 1024 ** 2;

/** A folder that looks like the kernel's. Groups are plain folders there, so that the files of one must go before it. */
class Tree {
  readonly root: string = mkdtempSync(join(tmpdir(), "skerry-pod-groups-"));

  constructor(context: TestContext, hierarchies: readonly string[]) {
    context.after(() => rmSync(this.root, { recursive: true, force: true }));
    for (const name of hierarchies) mkdirSync(join(this.root, name));
    if (hierarchies.length === 0) writeFileSync(join(this.root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** The kernel removes a group with its files. */
  clear(): void {
    for (const entry of readdirSync(this.root, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && entry.parentPath.includes("kubepods")) rmSync(join(entry.parentPath, entry.name));
  }
}

function group(uid: string, qualityOfService: PodGroup["qualityOfService"], cpuShares: number): PodGroup {
  return { uid, qualityOfService, limits: { cpuPeriodUs: 100_000, cpuQuotaUs: 50_000, cpuShares, memoryBytes: MIB } };
}

test("with version 1 a pod has a group in each hierarchy and its limits in two, and classes share as pods ask", async (context) => {
  const tree = new Tree(context, ["cpu", "memory", "pids", "unified"]);
  const groups = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
  assert.equal(await groups.provide(group("a", "Burstable", 512)), "/kubepods/burstable/poda");
  assert.equal(await groups.provide(group("b", "Burstable", 256)), "/kubepods/burstable/podb");
  assert.equal(await groups.provide(group("c", "BestEffort", 2)), "/kubepods/besteffort/podc");
  assert.equal(await groups.provide(group("d", "Guaranteed", 1024)), "/kubepods/podd");
  assert.equal(tree.read("cpu/kubepods/burstable/poda/cpu.shares"), "512");
  assert.equal(tree.read("cpu/kubepods/burstable/poda/cpu.cfs_quota_us"), "50000");
  assert.equal(tree.read("memory/kubepods/burstable/poda/memory.limit_in_bytes"), String(MIB));
  assert.ok(tree.has("pids/kubepods/podd") && !tree.has("unified/kubepods"));
  assert.equal(tree.read("cpu/kubepods/burstable/cpu.shares"), "768");
  assert.equal(tree.read("cpu/kubepods/besteffort/cpu.shares"), "2");
  assert.equal(tree.read("cpu/kubepods/cpu.shares"), String(availableParallelism() * 1024));
});

test("with version 2 the controllers are handed down the way, each by itself", async (context) => {
  const tree = new Tree(context, []);
  const groups = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
  assert.equal(await groups.provide(group("a", "Burstable", 512)), "/kubepods/burstable/poda");
  assert.equal(tree.read("kubepods/burstable/poda/memory.max"), String(MIB));
  assert.equal(tree.read("kubepods/burstable/poda/cpu.max"), "50000 100000");
  for (const folder of ["", "kubepods/", "kubepods/burstable/"])
    assert.match(tree.read(`${folder}cgroup.subtree_control`), /^\+\w+$/);
  assert.ok(!tree.has("kubepods/burstable/poda/cgroup.subtree_control"), "that is the runtime's to do");
});

for (const [version, hierarchies] of [
  ["1", ["cpu", "memory", "pids"]],
  ["2", []],
] as const)
  test(`with version ${version} a pod's group goes with it, and the last pod takes the others along`, async (context) => {
    const tree = new Tree(context, hierarchies);
    await new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root).provide(group("a", "Burstable", 512));
    // Another process, as after a restart.
    const groups = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
    await groups.provide(group("b", "Burstable", 256));
    const share = version === "1" ? "cpu/kubepods/burstable/cpu.shares" : "kubepods/burstable/cpu.weight";
    const both = tree.read(share);
    await groups.provide(group("b", "Burstable", 2));
    assert.notEqual(tree.read(share), both);
    tree.clear();
    await groups.remove("a");
    await groups.remove("unknown");
    const top = version === "1" ? ["cpu/", "memory/", "pids/"] : [""];
    for (const folder of top)
      assert.deepEqual(
        readdirSync(join(tree.root, `${folder}kubepods/burstable`)).filter((name) => name.startsWith("pod")),
        ["podb"],
      );
    assert.match(tree.read(share), version === "1" ? /^2$/ : /^1$/);
    tree.clear();
    await groups.remove("b");
    for (const folder of top) assert.ok(!tree.has(`${folder}kubepods`));
    assert.equal(await groups.provide(group("c", "Guaranteed", 2)), "/kubepods/podc");
  });

for (const [version, hierarchies] of [
  ["1", ["cpu", "memory", "pids"]],
  ["2", []],
] as const)
  test(`with version ${version} a pod has the processes that the node allows it, and pods together what is not reserved`, async (context) => {
    const tree = new Tree(context, hierarchies);
    const [pids, memory, cpu] = version === "1" ? ["pids/", "memory/", "cpu/"] : ["", "", ""];
    const limitFile = `${memory}kubepods/${version === "1" ? "memory.limit_in_bytes" : "memory.max"}`;
    const reserved = { cpuMilli: 500, memoryBytes: 64 * MIB };
    const limited = new PodControlGroups(new ManualClock(), silentLogger, { podPidsLimit: 100, reserved }, tree.root);
    await limited.provide(group("a", "Burstable", 512));
    assert.equal(tree.read(`${pids}kubepods/burstable/poda/pids.max`), "100");
    assert.equal(tree.read(limitFile), String(totalmem() - 64 * MIB));
    if (version === "1")
      assert.equal(tree.read(`${cpu}kubepods/cpu.shares`), String(availableParallelism() * 1024 - 512));
    // The configuration is another one after a restart.
    const free = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
    await free.provide(group("a", "Burstable", 512));
    assert.equal(tree.read(`${pids}kubepods/burstable/poda/pids.max`), "max");
    assert.equal(tree.read(limitFile), version === "1" ? "-1" : "max");
  });

test("a limit of processes that cannot be set is no group; memory that cannot be kept back is told once", async (context) => {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const tree = new Tree(context, ["cpu"]);
  const reserved = { cpuMilli: 0, memoryBytes: MIB };
  const keeping = new PodControlGroups(new ManualClock(), logger, { reserved }, tree.root);
  for (const uid of ["a", "b"]) assert.equal(await keeping.provide(group(uid, "Guaranteed", 2)), `/kubepods/pod${uid}`);
  assert.match(warnings.join(), /^Pods together cannot be kept out of the memory that is reserved$/);
  const counting = new PodControlGroups(new ManualClock(), logger, { podPidsLimit: 10 }, tree.root);
  assert.equal(await counting.provide(group("a", "Guaranteed", 2)), undefined);
});

test("where no groups can be made pods have none, which is told once; a name never leads elsewhere", async (context) => {
  const tree = new Tree(context, ["systemd"]);
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const groups = new PodControlGroups(new ManualClock(), logger, {}, tree.root);
  assert.equal(await groups.provide(group("a", "Burstable", 2)), undefined);
  assert.equal(await groups.provide(group("b", "Burstable", 2)), undefined);
  await groups.remove("a");
  assert.equal(warnings.length, 1);
  const able = new PodControlGroups(new ManualClock(), silentLogger, {}, new Tree(context, ["cpu", "memory"]).root);
  assert.equal(await able.provide(group("../../x", "Guaranteed", 2)), undefined);
});

test("the removal of a group that the runtime still uses is tried again, in vain only for a while", async (context) => {
  const tree = new Tree(context, []);
  const clock = new ManualClock();
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const groups = new PodControlGroups(clock, logger, {}, tree.root);
  for (const uid of ["a", "b"]) await groups.provide(group(uid, "Burstable", 512));
  tree.clear();
  for (const uid of ["a", "b"]) mkdirSync(join(tree.root, `kubepods/burstable/pod${uid}/container`));
  const settled: string[] = [];
  const removals = ["a", "b"].map((uid) => groups.remove(uid).then(() => settled.push(uid)));
  await passUntil(clock, () => clock.timerCount === 2 || settled.length > 0, 0);
  assert.deepEqual(settled, []);
  rmSync(join(tree.root, "kubepods/burstable/poda/container"), { recursive: true });
  await passUntil(clock, () => settled.length === 2);
  await Promise.all(removals);
  assert.ok(!tree.has("kubepods/burstable/poda") && tree.has("kubepods/burstable/podb"));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /still in use/);
});

test("groups that pods have left behind go with the next start and are no share of their class", async (context) => {
  const tree = new Tree(context, ["cpu", "memory"]);
  const before = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
  await before.provide(group("left", "Burstable", 512));
  await before.provide(group("over", "BestEffort", 2));
  await before.provide(group("past", "Guaranteed", 1024));
  tree.clear();
  await before.provide(group("runs", "Burstable", 256));
  const groups = new PodControlGroups(new ManualClock(), silentLogger, {}, tree.root);
  await groups.provide(group("new", "Burstable", 64));
  assert.equal(tree.read("cpu/kubepods/burstable/cpu.shares"), String(256 + 64));
  const left = ["burstable/podleft", "besteffort/podover", "podpast"];
  for (const folder of left)
    for (const hierarchy of ["cpu", "memory"]) assert.ok(!tree.has(`${hierarchy}/kubepods/${folder}`), folder);
});

/** Lets time pass in small steps, so that what waits for files has its turn in between. */
async function passUntil(clock: ManualClock, isOver: () => boolean, stepMs = 50): Promise<void> {
  while (!isOver()) {
    await clock.advance(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
