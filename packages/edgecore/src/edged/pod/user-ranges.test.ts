import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { FakeFileSystem } from "../testing/fake-machine.ts";
import { usersForPods } from "./machine-users.ts";
import { PodPaths } from "./pod-paths.ts";
import { UserRanges } from "./user-ranges.ts";

const USERS = 65_536;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const pathsOf = (uid: string | number): PodPaths =>
  new PodPaths("/edged", "/logs", { uid: String(uid), name: "web", namespace: "default" });

async function machineWith(subuid: string, subgid: string = subuid): Promise<FakeFileSystem> {
  const files = new FakeFileSystem();
  await files.makeDirectory("/etc", 0o755);
  await files.writeFile("/etc/subuid", encode(subuid), 0o644);
  await files.writeFile("/etc/subgid", encode(subgid), 0o644);
  return files;
}

test("no two pods have users in common, however they come and go, also over restarts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(9), fc.constantFrom("come", "go", "restart"))), async (steps) => {
      const files = new FakeFileSystem();
      let ranges = new UserRanges(files, 5);
      const held = new Map<number, number>();
      for (const [pod, step] of steps) {
        if (step === "restart") ranges = new UserRanges(files, 5);
        else if (step === "go") {
          await files.remove(pathsOf(pod).root);
          held.delete(pod);
        } else if (held.has(pod) || held.size < 5) {
          const { firstHostId } = await ranges.provide(pathsOf(pod));
          assert.equal(firstHostId, held.get(pod) ?? firstHostId);
          held.set(pod, firstHostId);
        } else
          await assert.rejects(ranges.provide(pathsOf(pod)), (error) => isSkerryError(error, "EDGED_USERS_EXHAUSTED"));
        assert.equal(new Set(held.values()).size, held.size);
        for (const first of held.values()) assert.ok(first >= USERS && first <= 5 * USERS && first % USERS === 0);
      }
    }),
  );
});

test("pods that ask at the same time get different users", async () => {
  const ranges = new UserRanges(new FakeFileSystem(), 110);
  const given = await Promise.all(Array.from({ length: 110 }, (_, pod) => ranges.provide(pathsOf(pod))));
  assert.equal(new Set(given.map(({ firstHostId }) => firstHostId)).size, 110);
});

test("a range whose writing was cut off is given anew", async () => {
  const files = new FakeFileSystem();
  const paths = pathsOf("u1");
  await files.makeDirectory(paths.root, 0o755);
  await files.writeFile(`${paths.root}/first-user`, encode("13107"), 0o600);
  assert.deepEqual(await new UserRanges(files, 110).provide(paths), { firstHostId: USERS, length: USERS });
});

test("pods have the users that the machine gives to kubelet, by the kubelet's rules for them", async () => {
  const line = (first: number, count: number): string => `root:1:5\nkubelet:${first}:${count}\n`;
  assert.deepEqual(await usersForPods(await machineWith("root:100000:65536\n"), 110), { first: USERS, count: 110 });
  const few = await machineWith(line(3 * USERS, 2 * USERS));
  assert.deepEqual(await usersForPods(few, 110), { first: 3 * USERS, count: 2 });
  for (const machine of [
    machineWith(line(3 * USERS, 2 * USERS), line(4 * USERS, 2 * USERS)),
    machineWith(line(3 * USERS, 2 * USERS), ""),
    machineWith(`kubelet:${USERS}:${USERS}\nkubelet:${2 * USERS}:${USERS}\n`),
    machineWith(line(0, USERS)),
    machineWith(line(USERS, 1000)),
    machineWith(line(USERS + 1, USERS)),
    machineWith(line(65_535 * USERS, 2 * USERS)),
    machineWith("kubelet:nobody:knows\n"),
  ])
    await assert.rejects(usersForPods(await machine, 110), (error) => isSkerryError(error, "EDGED_USERS_UNUSABLE"));
});
