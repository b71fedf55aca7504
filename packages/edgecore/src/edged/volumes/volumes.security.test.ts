import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { nodeFileSystem } from "../platform/node-file-system.ts";
import { PodPaths } from "../pod/pod-paths.ts";
import { EdgedWorld } from "../testing/edged-world.ts";

test("users of the machine cannot enter the folder in which volumes show Secrets", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  assert.equal((await world.files.status("/edged/pods"))?.mode, 0o700);
});

test("the mode of a folder holds on the machine's own files whatever the umask says", async () => {
  const root = await mkdtemp(join(tmpdir(), "skerry-pods-"));
  try {
    await nodeFileSystem.makeDirectory(join(root, "pods"), 0o750);
    assert.equal((await stat(join(root, "pods"))).mode & 0o777, 0o750);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("names from the cloud never lead out of the pod's folder", () => {
  const pod = { uid: "0a1b", namespace: "default", name: "web" };
  const isRefused = (error: unknown): boolean => isSkerryError(error, "EDGED_INVALID_POD");
  for (const name of ["..", ".", "../x", "a/b", "/etc", "", "a\0b"]) {
    for (const member of ["uid", "namespace", "name"])
      assert.throws(() => new PodPaths("/root", "/logs", { ...pod, [member]: name }), isRefused, `${member} ${name}`);
    const paths = new PodPaths("/root", "/logs", pod);
    assert.throws(() => paths.volume("secret", name), isRefused, name);
    assert.throws(() => paths.terminationLog(name, 0), isRefused, name);
    assert.throws(() => PodPaths.logPath(name, 0), isRefused, name);
  }
});

test("files of a volume are the pod's group's, which may read them, and root's where it has none", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("configmap", world.configMap("words", { word: "found" }));
  const volumes = [{ name: "words", configMap: { name: "words", defaultMode: 0o400 } }];
  await world.put("pod", world.pod("grouped", { volumes, securityContext: { fsGroup: 4000 } }));
  await world.put("pod", world.pod("plain", { volumes }));
  await world.pass(2000);
  const files = world.files.paths().filter((path) => /version-.*\/word$/.test(path));
  assert.deepEqual(
    await Promise.all(
      files.map(async (path) => [(await world.files.status(path))?.mode, world.files.groups.get(path)]),
    ),
    [
      [0o440, 4000],
      [0o400, undefined],
    ],
  );
});
