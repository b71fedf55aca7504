import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { nodeLogFiles } from "../platform/node-log-files.ts";
import { containerLog } from "./container-log.ts";
import { type LogOptions, readLogOptions } from "./log-options.ts";
import { LogPace } from "./log-pace.ts";

const START_MS = Date.UTC(2026, 0, 1);
const entry = (second: number, text: string, tag = "F"): string =>
  `${new Date(START_MS + second * 1000).toISOString().slice(0, 19)}.123456789Z stdout ${tag} ${text}\n`;

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "skerry-logs-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const ports = { files: nodeLogFiles, clock: systemClock, pace: new LogPace(systemClock) };
const all: LogOptions = readLogOptions("", 0);
const source = (folder: string, isRunning: () => Promise<boolean> = async () => true) => ({
  pod: "web",
  container: "app",
  folder,
  isRunning,
});

async function read(folder: string, options: Partial<LogOptions>): Promise<string> {
  const signal = new AbortController().signal;
  let text = "";
  for await (const block of containerLog(ports, source(folder), { ...all, ...options }, signal))
    text += Buffer.from(block).toString();
  return text;
}

test("a log is printed whole, in part by lines, time or bytes, and with times", async () => {
  await using folder = await scratch();
  const lines = Array.from({ length: 5 }, (_, at) => entry(at, `line ${at}`));
  await writeFile(join(folder.path, "0.log"), lines.join(""));
  assert.equal(await read(folder.path, {}), "line 0\nline 1\nline 2\nline 3\nline 4\n");
  assert.equal(await read(folder.path, { tailLines: 2 }), "line 3\nline 4\n");
  assert.equal(await read(folder.path, { tailLines: 0 }), "");
  assert.equal(await read(folder.path, { tailLines: 99 }), "line 0\nline 1\nline 2\nline 3\nline 4\n");
  assert.equal(await read(folder.path, { sinceMs: START_MS + 4000 }), "line 4\n");
  assert.equal(await read(folder.path, { limitBytes: 9 }), "line 0\nli");
  assert.equal(await read(folder.path, { tailLines: 1, timestamps: true }), "2026-01-01T00:00:04.123456789Z line 4\n");
});

test("what is written while a log is read is not printed, unless it is followed", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "0.log");
  await writeFile(path, entry(0, "line 0") + entry(1, "line 1"));
  for (const [tailLines, expected] of [
    [undefined, "line 0\nline 1\n"],
    [1, "line 1\n"],
  ] as const) {
    const signal = new AbortController().signal;
    const options = { ...all, ...(tailLines === undefined ? {} : { tailLines }) };
    const log = containerLog(ports, source(folder.path), options, signal, Buffer.from("head "));
    let text = Buffer.from((await log.next()).value ?? []).toString();
    text += Buffer.from((await log.next()).value ?? []).toString();
    await appendFile(path, entry(2, "too late"));
    for await (const block of log) text += Buffer.from(block).toString();
    assert.equal(text, `head ${expected}`);
    await writeFile(path, entry(0, "line 0") + entry(1, "line 1"));
  }
});

test("a line that the runtime split is printed as one, with one time", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "0.log"), entry(0, "one ", "P") + entry(1, "two", "P") + entry(2, "!"));
  assert.equal(await read(folder.path, {}), "one two!\n");
  assert.equal(await read(folder.path, { timestamps: true }), "2026-01-01T00:00:00.123456789Z one two!\n");
});

test("what the rotation set aside comes before the present log, in the tail too", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "1.log.20260101T000001"), entry(0, "oldest"));
  await writeFile(join(folder.path, "1.log.20260101T000002"), entry(1, "older"));
  await writeFile(join(folder.path, "1.log"), entry(2, "new"));
  await writeFile(join(folder.path, "0.log"), entry(0, "before the restart"));
  assert.equal(await read(folder.path, {}), "oldest\nolder\nnew\n");
  assert.equal(await read(folder.path, { tailLines: 2 }), "older\nnew\n");
  assert.equal(await read(folder.path, { previous: true }), "before the restart\n");
});

test("a tail larger than one block is found", async () => {
  await using folder = await scratch();
  const lines = Array.from({ length: 5000 }, (_, at) => entry(at, `line ${at}`));
  await writeFile(join(folder.path, "0.log"), lines.join(""));
  assert.equal((await read(folder.path, { tailLines: 3000 })).split("\n").length, 3001);
  assert.match(await read(folder.path, { tailLines: 3000 }), /^line 2000\n/);
});

test("a container without a log, and without a previous one, gets the kubelet's answers", async () => {
  await using folder = await scratch();
  const says = (text: RegExp) => (error: unknown) =>
    isSkerryError(error, "STREAMS_REFUSED") && text.test(error.message);
  await assert.rejects(read(folder.path, {}), says(/container "app" in pod "web" is waiting to start/));
  await writeFile(join(folder.path, "0.log"), "");
  await assert.rejects(read(folder.path, { previous: true }), says(/previous terminated container "app" .* not found/));
});

test("a link in place of a log is not followed", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "secret"), entry(0, "secret"));
  await symlink(join(folder.path, "secret"), join(folder.path, "0.log"));
  assert.equal(await read(folder.path, {}), "");
});

test("a followed log goes on over a rotation and ends with its container", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "0.log");
  await writeFile(path, entry(0, "first"));
  let running = true;
  const followed = containerLog(
    ports,
    source(folder.path, async () => running),
    { ...all, follow: true },
    new AbortController().signal,
  );
  const next = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await followed.next();
      if (done) return "end";
      if (value.length > 0) return Buffer.from(value).toString();
    }
  };
  assert.equal(await next(), "first\n");
  await appendFile(path, entry(1, "second"));
  assert.equal(await next(), "second\n");
  await rename(path, `${path}.20260101T000001`);
  await writeFile(path, entry(2, "third"));
  assert.equal(await next(), "third\n");
  await appendFile(path, entry(3, "last"));
  running = false;
  assert.equal(await next(), "last\n");
  assert.equal(await next(), "end");
});

test("a follower that went away ends the reading", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "0.log"), "");
  const gone = new AbortController();
  const followed = containerLog(ports, source(folder.path), { ...all, follow: true }, gone.signal);
  await followed.next();
  const waiting = followed.next();
  gone.abort();
  assert.equal((await waiting).done, true);
});

test("a query that makes no sense is refused by name", () => {
  assert.throws(() => readLogOptions("tailLines=-1", 0), /tailLines must be a whole number/);
  assert.throws(() => readLogOptions("sinceTime=yesterday", 0), /sinceTime must be a time/);
  assert.equal(readLogOptions("sinceSeconds=10", 20_000).sinceMs, 10_000);
});
