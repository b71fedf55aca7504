import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "skerry-mapper-test-"));
after(() => rmSync(folder, { recursive: true }));

const manifests = `
apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata: { name: room }
spec:
  protocol: test
  properties:
    - { name: temperature, type: FLOAT, accessMode: ReadOnly }
    - { name: target, type: INT, accessMode: ReadWrite, minimum: "0", maximum: "30" }
---
apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata: { name: cellar }
spec:
  deviceModelRef: { name: room }
  nodeName: edge
  protocol: { protocolName: test, configData: { host: here } }
  properties:
    - { name: temperature, reportToCloud: true }
    - { name: target, reportToCloud: true }
`;
writeFileSync(join(folder, "room.yaml"), manifests);

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function mapperTest(...parameters: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const all = [process.execPath, "--disable-warning=ExperimentalWarning", main, "mapper", "test", ...parameters];
    const [program = "", ...rest] = all;
    execFile(program, rest, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** A driver of memory whose parts a test replaces. */
function driver(name: string, parts: Readonly<Record<string, string>> = {}): string {
  const members = {
    open: "() => new Map([['target', 20]])",
    read: "(session, { name }) => session.get(name) ?? 21.5",
    write: "(session, { name }, value) => void session.set(name, value)",
    close: "() => undefined",
    ...parts,
  };
  const file = join(folder, `${name}.ts`);
  writeFileSync(
    file,
    `import { defineDriver, text } from "@skerry/mapper";
     export default defineDriver({
       protocol: "test",
       deviceConfig: { host: text() },
       ${Object.entries(members)
         .map(([member, code]) => `${member}: ${code},`)
         .join("\n")}
     } as never);`,
  );
  return file;
}

const manifest = ["--device", join(folder, "room.yaml"), "--model", join(folder, "room.yaml")];

test("a sound driver passes every check, and the report is for people or as JSON", async () => {
  const file = driver("sound", { subscribe: "(session, property, emit) => emit(20)" });
  const told = await mapperTest(file, ...manifest);
  assert.equal(told.status, 0, `${told.stdout}${told.stderr}`);
  assert.match(told.stdout, /^✔ write-read-back \(target\)$/m);
  assert.match(told.stdout, /^\d+ passed, 0 failed$/m);
  const { status, stdout } = await mapperTest(file, ...manifest, "--no-write", "-o", "json");
  const report = JSON.parse(stdout) as {
    readonly protocol: string;
    readonly checks: readonly { readonly check: string; readonly property?: string; readonly outcome: string }[];
  };
  assert.equal(status, 0);
  assert.equal(report.protocol, "test");
  const write = report.checks.find(({ check, property }) => check === "write-read-back" && property === "target");
  assert.equal(write?.outcome, "not-checked");
});

/** Each has one bug, which one check finds; the others hold. */
const planted: readonly [name: string, check: string, parts: Readonly<Record<string, string>>][] = [
  ["read hangs", "read-ends", { read: "(session, { name }) => session.get(name) ?? new Promise(() => undefined)" }],
  [
    "the signal is ignored",
    "heeds-abort",
    {
      open: "() => ({ reads: 0 })",
      read: "(session) => ++session.reads === 2 ? new Promise(() => undefined) : 21",
      write: "undefined",
    },
  ],
  ["a text is read for a number", "value-fits-type", { read: "(session, { name }) => session.get(name) ?? 'warm'" }],
  ["read throws", "read-answers", { read: "(session, { name }) => session.get(name) ?? JSON.parse('{')" }],
  ["writes are swallowed", "write-read-back", { write: "() => undefined" }],
  [
    "subscribe floods",
    "subscribe-quiet",
    {
      subscribe: `(session, { name }, emit, { signal }) => {
        const timer = setInterval(() => { for (let i = 0; i < 100; i++) emit(i); }, 10);
        signal.addEventListener("abort", () => clearInterval(timer));
      }`,
    },
  ],
  [
    "the subscription never ends",
    "subscribe-ends",
    { subscribe: "(session, property, emit) => void setInterval(() => emit(1), 100)" },
  ],
  ["close throws", "closes", { close: "() => { throw new Error('already closed'); }" }],
  [
    "a timer is left",
    "leaks-nothing",
    { open: "() => { setInterval(() => 0, 1000); return new Map([['target', 20]]); }" },
  ],
  [
    "a socket is left",
    "leaks-nothing",
    {
      open: `async () => {
        const { createServer } = await import("node:net");
        await new Promise((resolve) => createServer().listen(0, "127.0.0.1", resolve));
        return new Map([["target", 20]]);
      }`,
    },
  ],
  [
    "an error is thrown beside the calls",
    "no-stray-errors",
    { open: "() => { setTimeout(() => { throw new Error('beside'); }, 1); return new Map([['target', 20]]); }" },
  ],
  ["read never gives back control", "gives-way", { read: "() => { for (;;); }" }],
  ["read ends the process", "no-stray-errors", { read: "() => process.exit(3)" }],
  ["the device cannot be opened", "opens", { open: "() => { throw new Error('no route to host'); }" }],
];

// Most of their time they wait.
describe("the kit finds that", { concurrency: 3 }, () => {
  for (const [name, check, parts] of planted)
    test(name, async () => {
      const file = driver(name.replaceAll(" ", "-"), parts);
      const { status, stdout, stderr } = await mapperTest(file, ...manifest, "--timeout", "3", "-o", "json");
      assert.equal(status, 1, stderr);
      const { checks } = JSON.parse(stdout) as {
        readonly checks: readonly { readonly check: string; readonly outcome: string; readonly reason?: string }[];
      };
      const failed = checks.filter(({ outcome }) => outcome === "failed");
      assert.deepEqual([...new Set(failed.map((one) => one.check))], [check], stdout);
      for (const { reason } of failed) assert.ok(reason && reason.length > 5);
    });
});

test("a driver, a Device or a model that is not there is told with a code", async () => {
  const file = driver("alone");
  for (const [parameters, code] of [
    [[file], "SKERRY_MANIFEST_UNREADABLE"],
    [[join(folder, "none.ts")], "SKERRY_DRIVER_NOT_FOUND"],
    [["nothing", ...manifest], "SKERRY_DRIVER_NOT_FOUND"],
  ] as const) {
    const { status, stdout, stderr } = await mapperTest(...parameters);
    assert.equal(status, 1, stdout);
    assert.match(stderr, new RegExp(`^${code}: `));
  }
  assert.equal((await mapperTest()).status, 2);
});
