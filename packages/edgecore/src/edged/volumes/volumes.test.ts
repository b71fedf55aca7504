import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { nodeFileSystem } from "../platform/node-file-system.ts";
import type { FileSystem } from "../ports.ts";
import { FakeFileSystem } from "../testing/fake-machine.ts";
import { type Projection, writeProjection } from "./atomic-files.ts";
import { prepareHostPath } from "./host-path.ts";
import { resolveSubPath } from "./sub-path.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const projection = (files: Record<string, string>): Projection =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: encode(text), mode: 0o644 }]));

/** Runs the check on the fake and on the real file system: both must behave alike. */
async function onBoth(check: (files: FileSystem, root: string) => Promise<void>): Promise<void> {
  const fake = new FakeFileSystem();
  await fake.makeDirectory("/volumes", 0o755);
  await check(fake, "/volumes");
  const root = await mkdtemp(join(tmpdir(), "skerry-volumes-"));
  try {
    await check(nodeFileSystem, root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function shown(files: FileSystem, path: string): Promise<string | undefined> {
  const data = await files.readFile(path, 1000);
  return data && new TextDecoder().decode(data);
}

test("a projection replaces all files at once and removes those that are gone", () =>
  onBoth(async (files, root) => {
    const volume = join(root, "v");
    assert.equal(await writeProjection(files, volume, projection({ a: "1", "deep/b": "2" })), true);
    assert.equal(await shown(files, join(volume, "deep/b")), "2");
    const before = await files.readLink(join(volume, "..data"));
    assert.equal(await writeProjection(files, volume, projection({ a: "1", "deep/b": "2" })), false);
    assert.equal(await files.readLink(join(volume, "..data")), before);
    assert.equal(await writeProjection(files, volume, projection({ a: "3", c: "4" })), true);
    assert.notEqual(await files.readLink(join(volume, "..data")), before);
    assert.equal(await shown(files, join(volume, "a")), "3");
    assert.equal(await shown(files, join(volume, "deep/b")), undefined);
    const names = await files.listDirectory(volume);
    assert.deepEqual(names.filter((name) => !name.startsWith("..")).sort(), ["a", "c"]);
    assert.equal(names.filter((name) => name.startsWith("..version")).length, 1);
  }));

test("files whose mode or group is another are written anew, once, also when what is in them is the same", () =>
  onBoth(async (files, root) => {
    const volume = join(root, "v");
    const write = (mode: number, groupId?: number): Promise<boolean> => {
      const file = { data: encode("1"), mode, ...(groupId === undefined ? {} : { groupId }) };
      return writeProjection(files, volume, new Map([["deep/a", file]]));
    };
    await write(0o600);
    for (const [mode, groupId] of [[0o640], [0o640, 2000], [0o644, 2000]] as const) {
      const before = await files.status(join(volume, "..data", "deep/a"));
      const isGroupKept = groupId === undefined || before?.groupId === undefined || before.groupId === groupId;
      assert.equal(await write(mode, groupId), before?.mode !== mode || !isGroupKept);
      assert.equal(await write(mode, groupId), false);
    }
  }));

test("after any sequence of projections the volume shows exactly the last one", async () => {
  const name = fc.constantFrom("a", "b", "dir/c", "dir/d");
  const files = fc.dictionary(name, fc.string({ maxLength: 8 }), { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(files, { minLength: 1, maxLength: 5 }), async (sequence) => {
      const fake = new FakeFileSystem();
      for (const wanted of sequence) await writeProjection(fake, "/v", projection(wanted));
      const last = sequence.at(-1) ?? {};
      for (const path of ["a", "b", "dir/c", "dir/d"]) assert.equal(await shown(fake, `/v/${path}`), last[path]);
    }),
    { numRuns: 100 },
  );
});

test("a projected path that leads out of the volume is refused", async () => {
  for (const path of ["../x", "/etc/passwd", "a/../../x", "..data"])
    await assert.rejects(
      writeProjection(new FakeFileSystem(), "/v", projection({ [path]: "x" })),
      (error) => isSkerryError(error, "EDGED_PATH_ESCAPES"),
      path,
    );
});

test("a subPath is made inside the volume and refused when a symlink leads out of it", () =>
  onBoth(async (files, root) => {
    const volume = join(root, "v");
    await files.makeDirectory(volume, 0o777);
    const made = await resolveSubPath(files, volume, "logs/today");
    assert.equal((await files.status(made))?.kind, "directory");
    for (const folder of [made, join(volume, "logs")]) assert.equal((await files.status(folder))?.mode, 0o777);
    await files.symlink("/", join(volume, "out"));
    await files.symlink("logs", join(volume, "inside"));
    for (const path of ["../x", "/x", "out", "out/etc", "logs/../../x"])
      await assert.rejects(
        resolveSubPath(files, volume, path),
        (error) => isSkerryError(error, "EDGED_PATH_ESCAPES"),
        path,
      );
    assert.equal(await resolveSubPath(files, volume, "inside/today"), made);
  }));

test("a hostPath of the wrong kind is refused, one that may be made is made", () =>
  onBoth(async (files, root) => {
    const folder = join(root, "data");
    await assert.rejects(prepareHostPath(files, folder, "Directory"), /does not exist/);
    await prepareHostPath(files, folder, "DirectoryOrCreate");
    assert.equal((await files.status(folder))?.kind, "directory");
    await assert.rejects(prepareHostPath(files, folder, "File"), /is not of type File but directory/);
    await assert.rejects(prepareHostPath(files, "relative", ""), /not an absolute path/);
    await assert.rejects(prepareHostPath(files, `${folder}/../x`, ""), /contains '\.\.'/);
  }));

test("fsGroupChangePolicy: a folder is given to a group with all in it, whose owners stay and whose symlinks are not followed", async () => {
  const root = await mkdtemp(join(tmpdir(), "skerry-share-"));
  try {
    const group = process.getgid?.() ?? 0;
    await mkdir(join(root, "deep"), { mode: 0o700 });
    await writeFile(join(root, "deep/file"), "x", { mode: 0o600 });
    await symlink("/etc/hostname", join(root, "out"));
    const before = (await stat("/etc/hostname")).mode;
    await nodeFileSystem.shareTree(root, group, false);
    assert.equal((await stat(join(root, "deep"))).mode & 0o7777, 0o2770);
    assert.equal((await stat(join(root, "deep/file"))).mode & 0o7777, 0o660);
    assert.equal((await stat("/etc/hostname")).mode, before);
    await chmod(join(root, "deep/file"), 0o600);
    await nodeFileSystem.shareTree(root, group, false);
    assert.equal((await stat(join(root, "deep/file"))).mode & 0o777, 0o600);
    await nodeFileSystem.shareTree(root, group, true);
    assert.equal((await stat(join(root, "deep/file"))).mode & 0o777, 0o660);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
