import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lease } from "@skerry/api";
import { toKubernetesMicroTime } from "@skerry/base";
import { lastHeardMs } from "./last-heard.ts";

const heardAtMs = Date.UTC(2026, 0, 1);

function lease(renewedAfterMs: number, awaitedSinceMs?: number): Lease {
  const annotations =
    awaitedSinceMs === undefined ? {} : { "skerry.io/awaited-since": toKubernetesMicroTime(awaitedSinceMs) };
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "edge-1", namespace: "kube-node-lease", annotations },
    spec: { renewTime: toKubernetesMicroTime(heardAtMs + renewedAfterMs) },
  };
}

test("a node was last heard of when its lease was renewed, but by who awaits it", () => {
  assert.equal(lastHeardMs(lease(7_000)), heardAtMs + 7_000);
  assert.equal(lastHeardMs(lease(60_000, heardAtMs)), heardAtMs);
  assert.equal(lastHeardMs(undefined), Number.NaN);
});

test("a node that goes on renewing its lease itself is heard of, although it was awaited once", () => {
  assert.equal(lastHeardMs(lease(3_600_000, heardAtMs)), heardAtMs + 3_600_000);
});
