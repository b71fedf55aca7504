import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases, nodes } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { SessionLease } from "./session-lease.ts";

const target = { resource: leases, namespace: "kube-node-lease", name: "edge-1" };

class World {
  readonly clock = new ManualClock();
  readonly api = new MemoryKubernetesApi({ now: () => this.clock.now() });
  readonly over: string[] = [];

  open(name = "a"): SessionLease {
    return new SessionLease({
      nodeName: "edge-1",
      api: this.api,
      clock: this.clock,
      logger: silentLogger,
      onOver: (reason) => this.over.push(`${name}: ${reason}`),
    });
  }

  async register(): Promise<void> {
    await this.api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
  }

  async lease(): Promise<Lease> {
    return this.api.get<Lease>(target);
  }
}

test("the lease is made when the Node is there, belongs to it, and is renewed each 10 s while the session lives", async () => {
  const world = new World();
  const session = world.open();
  await world.clock.advance(5_000);
  assert.equal(session.epoch, undefined);
  await world.register();
  await world.clock.advance(2_000);
  const made = await world.lease();
  assert.equal(made.spec?.holderIdentity, "edge-1");
  assert.equal(made.metadata.ownerReferences?.[0]?.kind, "Node");
  assert.equal(session.epoch, 1);
  await world.clock.advance(10_000);
  const renewed = await world.lease();
  assert.notEqual(renewed.spec?.renewTime, made.spec?.renewTime);
  session[Symbol.dispose]();
  await world.clock.advance(60_000);
  assert.equal((await world.lease()).spec?.renewTime, renewed.spec?.renewTime);
  assert.equal(world.clock.timerCount, 0);
});

test("a newer session has a higher epoch, and ends the older one at another CloudCore", async () => {
  const world = new World();
  await world.register();
  using older = world.open("older");
  await settle();
  using newer = world.open("newer");
  await settle();
  assert.equal(newer.epoch, (older.epoch ?? 0) + 1);
  await world.clock.advance(25_000);
  assert.deepEqual(world.over, ["older: a newer session of this node is open at another CloudCore"]);
});

test("a session ends when its Node was deleted, so that the node registers anew", async () => {
  const world = new World();
  await world.register();
  using _session = world.open();
  await settle();
  await world.api.delete({ resource: nodes, name: "edge-1" });
  await world.api.delete(target);
  await world.clock.advance(15_000);
  assert.deepEqual(world.over, ["a: its Node object was deleted"]);
});
