import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { podsToDelete } from "./pod-deletion-order.ts";

interface Traits {
  node?: string;
  phase?: "Pending" | "Running";
  readySince?: string;
  restarts?: number;
  created?: string;
  cost?: string;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { node = "n1", phase = "Running", readySince, restarts = 0, created = "2026-01-01T00:00:00Z", cost } = traits;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      creationTimestamp: created,
      ...(cost === undefined ? {} : { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } }),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: {
      phase,
      conditions: [
        {
          type: "Ready",
          status: readySince ? "True" : "False",
          ...(readySince ? { lastTransitionTime: readySince } : {}),
        },
      ],
      containerStatuses: [{ name: "c", ready: true, restartCount: restarts, image: "", imageID: "" }],
    },
  };
}

const order = (...pods: Pod[]): string[] => podsToDelete(pods, pods.length).map(({ metadata }) => metadata.name);

test("of two pods the one that is worth less is deleted first", () => {
  const since = "2026-01-01T10:00:00Z";
  const cases: readonly [string, Traits, Traits][] = [
    ["not bound to a node", { node: "", phase: "Pending" }, { phase: "Pending" }],
    ["pending", { phase: "Pending" }, {}],
    ["not ready", {}, { readySince: since }],
    ["cheaper", { readySince: since, cost: "1" }, { readySince: since, cost: "2" }],
    ["ready for a shorter time", { readySince: "2026-01-01T11:00:00Z" }, { readySince: since }],
    ["restarted more often", { readySince: since, restarts: 3 }, { readySince: since }],
    ["younger", { readySince: since, created: "2026-01-02T00:00:00Z" }, { readySince: since }],
  ];
  for (const [why, first, second] of cases) {
    assert.deepEqual(order(pod("z", first), pod("a", second)), ["z", "a"], why);
    assert.deepEqual(order(pod("a", second), pod("z", first)), ["z", "a"], `${why}, given in the other order`);
  }
});

test("the node with more siblings loses a pod first", () => {
  const [first] = order(pod("a", { node: "n1" }), pod("b", { node: "n2" }), pod("c", { node: "n2" }));
  assert.equal(first, "b");
});

test("no more pods are chosen than asked for", () => {
  assert.equal(podsToDelete([pod("a"), pod("b")], 1).length, 1);
  assert.equal(podsToDelete([pod("a")], -1).length, 0);
});
