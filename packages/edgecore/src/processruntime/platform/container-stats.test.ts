import assert from "node:assert/strict";
import { test } from "node:test";
import { readContainerStats } from "../../edgestream/platform/machine-usage.ts";
import type { Container } from "./container-record.ts";
import { encodeContainerStats } from "./container-stats.ts";

test("what a container's processes use is read as what any runtime tells, and only of those that run", () => {
  const nobody = { processId: 0, startTicks: "", bootId: "" };
  const namespaces = {
    holderId: 0,
    network: true,
    ipc: true,
    hostname: true,
    processes: { kind: "own" },
  } as const;
  const container = (processId: number, isEnded: boolean): Container => ({
    id: "c",
    folder: "/",
    sandboxId: "s",
    config: { labels: { a: "b", "io.kubernetes.pod.name": "web" } },
    state: {
      createdAtMs: 0,
      imageId: "i",
      imageName: "i",
      user: { userId: 0, groupId: 0 },
      command: { words: [], workingDirectory: "/", environment: [] },
      stopSignal: "SIGTERM",
      run: { startedAtMs: 0, namespaces, shim: nobody, main: { ...nobody, processId }, makerId: 0 },
    },
    end: isEnded ? { exitCode: 0, finishedAtMs: 0, reason: "" } : undefined,
  });
  const all = [container(process.pid, false), container(process.pid, true), container(2 ** 30, false)];
  const [own, ...more] = readContainerStats(
    encodeContainerStats(all, new Map([["c", { bytes: 8192, inodes: 3 }]]), 1_000),
  );
  assert.deepEqual(more, []);
  assert.equal(own?.atMs, 1_000);
  assert.deepEqual(
    [...(own?.labels ?? [])],
    [
      ["a", "b"],
      ["io.kubernetes.pod.name", "web"],
    ],
  );
  assert.deepEqual([own?.diskUsedBytes, own?.diskInodes], [8192, 3]);
  assert.ok((own?.cpuNanos ?? 0) > 0 && (own?.memoryWorkingSetBytes ?? 0) > 1024 ** 2);
});
