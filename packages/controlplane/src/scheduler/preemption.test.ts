import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, PodDisruptionBudget, PodSpec } from "@skerry/api";
import type { NodeView } from "./node-view.ts";
import { placePod } from "./placement.ts";
import { preemption } from "./preemption.ts";

const pod = (name: string, priority: number, cpu: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { name } },
  spec: { priority, containers: [{ name: "c", resources: { requests: { cpu } } }], ...spec },
});
const view = (name: string, ...pods: Pod[]): NodeView => {
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: {} },
    spec: {},
    status: { allocatable: { cpu: "2", pods: "110" } },
  };
  return { node, pods };
};
/** `node: victims`, or why there are none. */
function look(incoming: Pod, views: readonly NodeView[], budgets: readonly PodDisruptionBudget[] = []): string {
  const placement = placePod(incoming, views);
  assert.ok(placement.kind === "nowhere" && placement.refused);
  const found = preemption(incoming, placement.refused, budgets);
  if (found.kind === "none") return found.message;
  return `${found.nodeName}: ${found.victims.map(({ metadata }) => metadata.name).join(" ")}`;
}

test("only as many pods of lower priority go as are in the way, the least important ones", () => {
  const crowded = view("n", pod("low", 1, "1"), pod("mid", 5, "500m"), pod("high", 90, "500m"));
  assert.equal(look(pod("p", 10, "1"), [crowded]), "n: low");
  assert.equal(look(pod("p", 10, "1500m"), [crowded]), "n: mid low");
});

test("the node is chosen where the least important pods go", () => {
  const views = [view("a", pod("mid", 5, "2")), view("b", pod("low", 1, "2")), view("c", pod("high", 50, "2"))];
  assert.equal(look(pod("p", 10, "1"), views), "b: low");
});

test("pods of the same or a higher priority never go, and a hopeless node is told apart", () => {
  const cordoned = view("z");
  cordoned.node.spec = { unschedulable: true };
  assert.equal(
    look(pod("p", 10, "1"), [view("n", pod("same", 10, "2")), cordoned]),
    "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
  );
});

test("a pod that does not want to preempt does not", () => {
  const message = look(pod("p", 10, "1", { preemptionPolicy: "Never" }), [view("n", pod("low", 1, "2"))]);
  assert.equal(message, "preemption: not eligible due to preemptionPolicy=Never.");
});

test("pods that a disruption budget protects are spared when others will do", () => {
  const budget: PodDisruptionBudget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "b", namespace: "default" },
    spec: { selector: { matchLabels: { name: "kept" } } },
    status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  };
  const views = [view("a", pod("kept", 1, "2")), view("b", pod("other", 5, "2"))];
  assert.equal(look(pod("p", 10, "1"), views, [budget]), "b: other");
  assert.equal(look(pod("p", 10, "1"), views.slice(0, 1), [budget]), "a: kept");
});

test("nobody else goes while victims are on their way out", () => {
  const going = pod("low", 1, "2");
  going.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  const waiting = pod("p", 10, "1");
  waiting.status = { nominatedNodeName: "n" } as object;
  assert.equal(
    look(waiting, [view("n", going)]),
    "preemption: not eligible due to a terminating pod on the nominated node.",
  );
});
