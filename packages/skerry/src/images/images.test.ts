import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pauseImage } from "./builtin-images.ts";
import { writeOciArchive } from "./oci-archive.ts";
import { pauseProgram } from "./pause-program.ts";
import { writeTar } from "./tar-writer.ts";

test("tar reads what the writer wrote: files, modes, folders and links", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-tar-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const archive = join(folder, "x.tar");
  writeFileSync(
    archive,
    writeTar([
      { kind: "folder", path: "a" },
      { kind: "file", path: "a/run", content: Buffer.from("x".repeat(513)), mode: 0o755 },
      { kind: "link", path: "a/link", target: "run" },
    ]),
  );
  const listed = spawnSync("tar", ["tvf", archive], { encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
  assert.equal(listed.stderr, "");
  assert.deepEqual(
    listed.stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+/g, " ")),
    [
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 a/",
      "-rwxr-xr-x 0/0 513 1970-01-01 00:00 a/run",
      "lrwxrwxrwx 0/0 0 1970-01-01 00:00 a/link -> run",
    ],
  );
});

test("the same image has the same bytes each time", () => {
  assert.deepEqual(writeOciArchive(pauseImage("x64")), writeOciArchive(pauseImage("x64")));
});

test("every blob of an image archive has the digest and size that refer to it", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-oci-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "x.tar"), writeOciArchive(pauseImage("arm64")));
  assert.equal(spawnSync("tar", ["xf", "x.tar"], { cwd: folder }).status, 0);
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
  assert.equal(index.manifests[0].annotations["io.containerd.image.name"], "skerry.local/pause:1");
  const blob = (digest: string): Buffer => readFileSync(join(folder, "blobs", digest.replace(":", "/")));
  const manifest = JSON.parse(blob(index.manifests[0].digest).toString());
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    assert.equal(blob(digest).byteLength, size);
    const sum = spawnSync("sha256sum", { input: blob(digest), encoding: "utf8" });
    assert.equal(`sha256:${sum.stdout.slice(0, 64)}`, digest);
  }
});

test("the pause program runs until it is killed", {
  skip: process.arch !== "x64" && process.arch !== "arm64",
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-pause-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "pause");
  writeFileSync(path, pauseProgram(process.arch === "arm64" ? "arm64" : "x64"));
  chmodSync(path, 0o755);
  const child = spawn(path);
  const ended = once(child, "exit");
  const early = await Promise.race([ended.then(() => "ended"), delay(200, "runs")]);
  assert.equal(early, "runs");
  assert.match(readFileSync(`/proc/${child.pid}/status`, "utf8"), /^SigIgn:\s+0*10000$/m, "SIGCHLD is ignored");
  child.kill("SIGKILL");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
});
