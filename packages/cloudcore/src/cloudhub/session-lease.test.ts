import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases, nodes } from "@skerry/api";
import { ConcurrencyLimit, Mutex, silentLogger, sleep } from "@skerry/base";
import { ManualClock, settle } from "@skerry/base/testing";
import { ApiError, failureStatus, type KubernetesApi } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { renewalPauseMs, SessionLease, type SessionLeaseOptions } from "./session-lease.ts";

const target = { resource: leases, namespace: "kube-node-lease", name: "edge-1" };

class World {
  readonly clock = new ManualClock();
  readonly api = new MemoryKubernetesApi({ now: () => this.clock.now() });
  readonly asking = new ConcurrencyLimit(4);
  readonly over: string[] = [];

  open(name = "a", changes: Partial<SessionLeaseOptions> = {}): SessionLease {
    return new SessionLease({
      nodeName: "edge-1",
      replica: name,
      renewedBy: "cloud",
      api: this.api,
      asking: this.asking,
      renewMs: () => 10_000,
      clock: this.clock,
      logger: silentLogger,
      onOver: (reason) => this.over.push(`${name}: ${reason}`),
      ...changes,
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

test("an older session may not write any more once a newer one at another CloudCore does", async () => {
  const world = new World();
  await world.register();
  using older = world.open("older");
  assert.equal(await older.verdict(), "live");
  using newer = world.open("newer");
  await settle();
  // Right after the take-over neither the older session's last confirmation nor the newer one's wait is over.
  const first = newer.verdict();
  await world.clock.advance(1_000);
  assert.equal(await older.verdict(), "over");
  await world.clock.advance(500);
  assert.equal(await first, "live");
  assert.deepEqual(world.over, ["older: a newer session of this node is open at another CloudCore"]);
});

test("a session that comes back to the same CloudCore waits for nobody", async () => {
  const world = new World();
  await world.register();
  const before = world.open("a");
  await settle();
  before[Symbol.dispose]();
  assert.equal(await before.verdict(), "over");
  using after = world.open("a");
  assert.equal(await after.verdict(), "live");
  assert.equal(after.epoch, 2);
});

test("a session whose epoch cannot be confirmed says so, and may write again when the API server is back", async () => {
  const world = new World();
  await world.register();
  let isDown = false;
  const api: KubernetesApi = new Proxy(world.api, {
    get: (target, name) =>
      isDown
        ? () => Promise.reject(new ApiError(failureStatus(503, "ServiceUnavailable", "down")))
        : Reflect.get(target, name).bind(target),
  });
  using session = world.open("a", { api });
  assert.equal(await session.verdict(), "live");
  isDown = true;
  assert.equal(await session.verdict(), "live", "confirmed a moment ago");
  await world.clock.advance(1_000);
  assert.equal(await session.verdict(), "unknown");
  isDown = false;
  assert.equal(await session.verdict(), "live");
  assert.deepEqual(world.over, []);
});

test("a take-over whose first write failed and was stored all the same still waits", async () => {
  const world = new World();
  await world.register();
  using _older = world.open("older");
  await settle();
  let lies = 1;
  const api: KubernetesApi = new Proxy(world.api, {
    get: (target, name) =>
      name === "update"
        ? async (...parameters: Parameters<KubernetesApi["update"]>) => {
            const written = await target.update(...parameters);
            if (lies-- > 0) throw new ApiError(failureStatus(500, "InternalError", "lost"));
            return written;
          }
        : Reflect.get(target, name).bind(target),
  });
  using newer = world.open("newer", { api });
  await settle();
  await world.clock.advance(2_000);
  let isLive = false;
  const verdict = newer.verdict().then(() => {
    isLive = true;
  });
  await world.clock.advance(1_000);
  assert.equal(isLive, false);
  await world.clock.advance(500);
  await verdict;
});

test("where the node renews its lease itself, the session is kept on another one, and only confirmed later", async () => {
  const world = new World();
  await world.register();
  using session = world.open("a", { renewedBy: "edge" });
  assert.equal(await session.verdict(), "live");
  await assert.rejects(world.lease(), /not found/);
  const own = { resource: leases, namespace: "kubeedge", name: "session.edge-1" };
  const held = await world.api.get<Lease>(own);
  assert.equal(held.spec?.leaseTransitions, 1);
  assert.equal(held.metadata.annotations?.["skerry.io/cloudcore"], "a");
  await world.clock.advance(60_000);
  const later = await world.api.get<Lease>(own);
  assert.equal(later.metadata.resourceVersion, held.metadata.resourceVersion);
  using other = world.open("b", { renewedBy: "edge" });
  await world.clock.advance(10_000);
  assert.equal(await session.verdict(), "over");
  assert.equal(await other.verdict(), "live");
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

test("a session that ends while it waits for the older one to fall silent is over, at once", async () => {
  const world = new World();
  await world.register();
  using _older = world.open("older");
  await settle();
  const newer = world.open("newer");
  await settle();
  const verdict = newer.verdict();
  await world.clock.advance(100);
  newer[Symbol.dispose]();
  assert.equal(await verdict, "over");
});

test("a confirmation renews a lease that was renewed ten seconds ago, and the next renewal waits a whole pause", async () => {
  const world = new World();
  await world.register();
  const asked: string[] = [];
  const api: KubernetesApi = new Proxy(world.api, {
    get:
      (target, name) =>
      (...parameters: never[]) => {
        asked.push(String(name));
        return Reflect.get(target, name).apply(target, parameters);
      },
  });
  using session = world.open("a", { api, renewMs: () => 20_000 });
  await world.clock.advance(5_000);
  asked.length = 0;
  assert.equal(await session.verdict(), "live");
  await world.clock.advance(7_000);
  assert.equal(await session.verdict(), "live");
  assert.deepEqual(asked, ["get", "update"]);
  await world.clock.advance(19_000);
  assert.deepEqual(asked, ["get", "update"]);
  await world.clock.advance(1_000);
  assert.deepEqual(asked, ["get", "update", "update"]);
});

test("sessions may write though so many ask that the API server needs longer for all than an answer counts", async () => {
  const world = new World();
  const turn = new Mutex();
  const api: KubernetesApi = new Proxy(world.api, {
    get:
      (target, name) =>
      (...parameters: never[]) =>
        turn.run(async () => {
          await sleep(world.clock, 50);
          return Reflect.get(target, name).apply(target, parameters);
        }),
  });
  const sessions: SessionLease[] = [];
  for (let at = 0; at < 100; at++) {
    const nodeName = `edge-${at}`;
    await world.api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: nodeName } });
    sessions.push(world.open("a", { api, nodeName }));
  }
  const verdicts = Promise.all(sessions.map((session) => session.verdict()));
  await world.clock.advance(60_000);
  assert.deepEqual(new Set(await verdicts), new Set(["live"]));
  for (const session of sessions) session[Symbol.dispose]();
});

test("the more leases there are, and while requests wait, the rarer each is renewed, up to half of what it is good for", () => {
  assert.deepEqual(
    [10, 1_000, 1_500, 5_000].map((sessions) => renewalPauseMs(sessions, 0)),
    [10_000, 10_000, 15_000, 20_000],
  );
  assert.equal(renewalPauseMs(10, 1), 20_000);
});

test("a session takes away from its node's lease that the node was awaited", async () => {
  const world = new World();
  await world.register();
  const annotations = {
    "skerry.io/cloudcore": "a",
    "skerry.io/awaited-since": "2026-01-01T00:00:00.000000Z",
    kept: "1",
  };
  const { resource, namespace, name } = target;
  const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace, annotations } };
  await world.api.create({ resource, namespace }, lease);
  const session = world.open();
  assert.equal(await session.verdict(), "live");
  assert.deepEqual((await world.lease()).metadata.annotations, { "skerry.io/cloudcore": "a", kept: "1" });
  session[Symbol.dispose]();
});
