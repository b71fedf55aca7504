import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { diagnose } from "./checks.ts";
import type { Examined } from "./examined.ts";

const NOW = Date.UTC(2026, 0, 31, 8);
const DAY = 86_400_000;
const GIB = 1024 ** 3;
type NodeFacts = NonNullable<Examined["node"]>;

const node: NodeFacts = {
  name: "edge-1",
  isRoot: true,
  controlGroups: { cpu: true, memory: true },
  runtime: { name: "containerd", version: "1.6.20", ready: true, message: "" },
};
const healthy: Examined = {
  nowMs: NOW,
  nodeVersion: "24.1.0",
  clockDifferenceMs: 700,
  names: [{ name: "cloud.example", failure: undefined }],
  ports: [{ what: "CloudCore", host: "cloud.example", port: 10000, failure: undefined }],
  certificates: [{ what: "the node", path: "/c/server.crt", validity: { fromMs: NOW - DAY, untilMs: NOW + 90 * DAY } }],
  disk: { path: "/home", freeBytes: 50 * GIB, totalBytes: 100 * GIB, isWritable: true },
  memoryAvailableBytes: GIB,
  node,
  processes: [{ name: "cloudcore", isRunning: true, reason: "" }],
  isSupervised: true,
};
const certificate = (fromDays: number, untilDays: number): Partial<Examined> => ({
  certificates: [
    {
      what: "the node",
      path: "/c/server.crt",
      validity: { fromMs: NOW + fromDays * DAY, untilMs: NOW + untilDays * DAY },
    },
  ],
});
const withNode = (change: Partial<NodeFacts>): Partial<Examined> => ({ node: { ...node, ...change } });

test("a healthy machine has no problem and no warning, and every check speaks", () => {
  const found = diagnose(healthy);
  assert.deepEqual(
    found.filter(({ state }) => state !== "ok"),
    [],
  );
  assert.ok(found.length >= 10);
});

const faults: readonly (readonly [
  what: string,
  code: string,
  state: "problem" | "warning",
  found: RegExp,
  change: Partial<Examined>,
])[] = [
  ["a clock that is behind", "DOCTOR_CLOCK", "problem", /60m behind CloudCore/, { clockDifferenceMs: 3_600_000 }],
  ["a clock that is ahead", "DOCTOR_CLOCK", "problem", /60m ahead of CloudCore/, { clockDifferenceMs: -3_600_000 }],
  ["a clock that was never set", "DOCTOR_CLOCK", "problem", /1970.*never set/, { nowMs: 5000, certificates: [] }],
  [
    "a name that does not resolve",
    "DOCTOR_DNS",
    "problem",
    /cloud\.example.*ENOTFOUND/,
    { names: [{ name: "cloud.example", failure: "ENOTFOUND" }] },
  ],
  [
    "a closed port",
    "DOCTOR_PORT",
    "problem",
    /cloud:10000.*refused/,
    { ports: [{ what: "CloudCore", host: "cloud", port: 10000, failure: "refused" }] },
  ],
  ["an expired certificate", "DOCTOR_CERTIFICATE", "problem", /ended 2d/, certificate(-90, -2.2)],
  ["a certificate of the future", "DOCTOR_CERTIFICATE", "problem", /only from/, certificate(1, 90)],
  ["a certificate that ends soon", "DOCTOR_CERTIFICATE", "warning", /ends in 3d/, certificate(-90, 3)],
  [
    "a missing certificate",
    "DOCTOR_CERTIFICATE",
    "problem",
    /no certificate at/,
    { certificates: [{ what: "the node", path: "/c/x", validity: undefined }] },
  ],
  ["a full disk", "DOCTOR_DISK", "problem", /only 1\.0 GiB/, { disk: { ...healthy.disk, freeBytes: GIB } }],
  [
    "a disk that gets full",
    "DOCTOR_DISK",
    "warning",
    /only 9\.0 GiB/,
    { disk: { ...healthy.disk, freeBytes: 9 * GIB } },
  ],
  [
    "a disk that cannot be written to",
    "DOCTOR_DISK",
    "problem",
    /cannot be written/,
    { disk: { ...healthy.disk, isWritable: false } },
  ],
  ["little memory", "DOCTOR_MEMORY", "warning", /only 50 MiB/, { memoryAvailableBytes: 50 * 1024 ** 2 }],
  [
    "missing control groups",
    "DOCTOR_CGROUPS",
    "problem",
    /for memory are missing/,
    withNode({ controlGroups: { cpu: true, memory: false } }),
  ],
  [
    "a runtime that does not answer",
    "DOCTOR_RUNTIME",
    "problem",
    /does not answer: ENOENT/,
    withNode({ runtime: { failure: "ENOENT" } }),
  ],
  [
    "a runtime that is not ready",
    "DOCTOR_RUNTIME",
    "problem",
    /not ready: RuntimeReady/,
    withNode({ runtime: { ...node.runtime, ready: false, message: "RuntimeReady: starts" } as NodeFacts["runtime"] }),
  ],
  [
    "no CNI",
    "DOCTOR_CNI",
    "problem",
    /no network.*cni plugin/,
    withNode({
      runtime: {
        ...node.runtime,
        ready: false,
        message: "NetworkReady: cni plugin not initialized",
      } as NodeFacts["runtime"],
    }),
  ],
  [
    "an old containerd",
    "DOCTOR_VERSION",
    "problem",
    /containerd 1\.5\.2 is too old/,
    withNode({ runtime: { ...node.runtime, version: "1.5.2" } as NodeFacts["runtime"] }),
  ],
  ["an old Node.js", "DOCTOR_VERSION", "problem", /Node\.js 20/, { nodeVersion: "20.1.0" }],
  [
    "a part that does not run",
    "DOCTOR_PROCESS",
    "problem",
    /cloudcore does not run: exit code 1/,
    { processes: [{ name: "cloudcore", isRunning: false, reason: "exit code 1" }] },
  ],
  ["no supervisor", "DOCTOR_PROCESS", "warning", /supervisor does not run/, { isSupervised: false, processes: [] }],
  ["a doctor without rights", "DOCTOR_ROOT", "warning", /not run as root/, withNode({ isRoot: false })],
];

for (const [what, code, state, text, change] of faults)
  test(`the doctor finds ${what}`, () => {
    const found = diagnose({ ...healthy, ...change }).filter((each) => each.state !== "ok");
    assert.deepEqual(
      found.map((each) => [each.code, each.state]),
      [[code, state]],
    );
    assert.match(found[0]?.found ?? "", text);
    assert.ok((found[0]?.advice.length ?? 0) > 10);
  });

test("the process runtime without root is no fault, and what it does not do is said", () => {
  const runtime = { name: "skerry-process", version: "0.1.0+namespaces", ready: true, message: "" };
  const change = withNode({ isRoot: false, controlGroups: { cpu: false, memory: false }, runtime });
  const found = diagnose({ ...healthy, ...change });
  assert.deepEqual(
    found.filter(({ state }) => state !== "ok"),
    [],
  );
  const told = (over: object): string =>
    diagnose({ ...healthy, ...withNode({ isRoot: false, runtime: { ...runtime, ...over } }) })
      .map((each) => each.found)
      .join("\n");
  assert.match(told({ noWayOut: "there is no slirp4netns" }), /needs hostNetwork: there is no slirp4netns/);
  assert.match(told({ limits: { cpu: true, memory: false } }), /is ready.*\n.*limits .* not enforced by it: memory/);
  assert.match(told({ limits: { cpu: true, memory: true } }), /enforces .* CPU and memory\n.*reach what it reaches/);
});

test("a machine without a node is not asked for one", () => {
  const found = diagnose({ ...healthy, node: undefined });
  assert.ok(found.every(({ code }) => code !== "DOCTOR_RUNTIME" && code !== "DOCTOR_CGROUPS"));
});

test("every code of the doctor is in docs/doctor.md, and no other", () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
  const codes = (text: string): string[] =>
    [...new Set([...text.matchAll(/DOCTOR_[A-Z]+/g)].map(([code]) => code))].sort();
  assert.deepEqual(codes(read("../../../../docs/doctor.md")), codes(read("./checks.ts")));
});
