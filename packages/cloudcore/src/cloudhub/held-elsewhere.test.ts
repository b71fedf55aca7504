import assert from "node:assert/strict";
import { test } from "node:test";
import { apiVersionOf, leases, nodes } from "@skerry/api";
import { ConcurrencyLimit, silentLogger, toKubernetesMicroTime } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { isHeldElsewhere } from "./held-elsewhere.ts";
import { SessionLease } from "./session-lease.ts";

for (const renewedBy of ["cloud", "edge"] as const)
  test(`a node counts as held elsewhere while its lease lives, when the ${renewedBy} renews it`, async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const api = new MemoryKubernetesApi();
    await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
    const holds = (replica: string): Promise<boolean> => isHeldElsewhere({ api, clock, replica }, "edge-1");
    assert.equal(await holds("b"), false);
    if (renewedBy === "edge") {
      const lease = {
        apiVersion: apiVersionOf(leases),
        kind: leases.kind,
        metadata: { name: "edge-1", namespace: "kube-node-lease" },
        spec: { leaseDurationSeconds: 40, renewTime: toKubernetesMicroTime(clock.now()) },
      };
      await api.create({ resource: leases, namespace: "kube-node-lease" }, lease);
    }
    const options = { nodeName: "edge-1", replica: "a", renewedBy, api, clock, logger: silentLogger };
    const session = new SessionLease({
      ...options,
      asking: new ConcurrencyLimit(1),
      renewMs: () => 10_000,
      onOver: () => undefined,
    });
    assert.equal(await session.verdict(), "live");
    assert.equal(await holds("b"), true);
    assert.equal(await holds("a"), false);
    session[Symbol.dispose]();
    await clock.advance(41_000);
    assert.equal(await holds("b"), false);
  });
