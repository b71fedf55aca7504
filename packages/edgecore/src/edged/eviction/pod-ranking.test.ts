import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { couldHelp, isCritical, type PodUsage, type RankedPod, rankPods } from "./pod-ranking.ts";

const MIB = 2 ** 20;

function ranked(name: string, usage: Partial<PodUsage>, priority = 0, memoryRequest?: string): RankedPod {
  const resources = memoryRequest === undefined ? {} : { resources: { requests: { memory: memoryRequest } } };
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { priority, containers: [{ name: "app", ...resources }] },
    },
    usage: { memoryBytes: 0, diskBytes: 0, inodes: 0, processes: 0, containers: [], ...usage },
  };
}

const names = (pods: readonly RankedPod[]): string[] => pods.map(({ pod }) => pod.metadata.name);

test("who uses more than was asked for goes first, then the less important, then who exceeds it most", () => {
  const within = ranked("within", { memoryBytes: 900 * MIB }, 0, "1Gi");
  const important = ranked("important", { memoryBytes: 500 * MIB }, 1000);
  const little = ranked("little", { memoryBytes: 10 * MIB });
  const much = ranked("much", { memoryBytes: 300 * MIB }, 0, "200Mi");
  assert.deepEqual(names(rankPods([within, important, little, much], "memory")), [
    "much",
    "little",
    "important",
    "within",
  ]);
});

test("inodes and processes cannot be asked for: who has most goes first", () => {
  const pods = [ranked("few", { inodes: 10, processes: 500 }), ranked("many", { inodes: 5000, processes: 3 })];
  assert.deepEqual(names(rankPods(pods, "inodes")), ["many", "few"]);
  assert.deepEqual(names(rankPods(pods, "pids")), ["few", "many"]);
});

test("a pod of which no inodes or processes are counted is not evicted for them, but may be for what can be asked for", () => {
  const { usage } = ranked("unknown", {});
  assert.deepEqual(
    (["inodes", "pids", "memory", "ephemeral-storage"] as const).map((resource) => couldHelp(usage, resource)),
    [false, false, true, true],
  );
  assert.equal(couldHelp({ ...usage, inodes: 1 }, "inodes"), true);
  assert.equal(couldHelp({ ...usage, processes: 1 }, "pids"), true);
});

test("the system's pods and those of the node's own files are never evicted", () => {
  const pod = (metadata: object, priority?: number): Pod => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "x", ...metadata } },
    spec: { containers: [], ...(priority === undefined ? {} : { priority }) },
  });
  assert.equal(isCritical(pod({}, 2_000_000_000)), true);
  assert.equal(isCritical(pod({ annotations: { "kubernetes.io/config.source": "file" } })), true);
  assert.equal(isCritical(pod({ annotations: { "kubernetes.io/config.source": "api" } })), false);
  assert.equal(isCritical(pod({}, 1_999_999_999)), false);
});
