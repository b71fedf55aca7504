import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases } from "@skerry/api";
import { Listeners, silentLogger, toKubernetesMicroTime } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { ApiError, failureStatus, type KubernetesApi } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { isHeldElsewhere, type SessionEvent } from "../cloudhub/index.ts";
import { AwaitedNodes } from "./awaited-nodes.ts";
import { nodeHolders } from "./node-holders.ts";

const NAMESPACE = "kube-node-lease";

/** A CloudCore `here` that has just started. */
class World {
  readonly clock = new ManualClock();
  readonly api = new MemoryKubernetesApi({ now: () => this.clock.now() });
  readonly connected = new Set<string>();
  readonly #sessions = new Listeners<SessionEvent>((error) => assert.fail(String(error)));

  async lease(name: string, holder: string, silentForMs: number): Promise<void> {
    const renewTime = toKubernetesMicroTime(this.clock.now() - silentForMs);
    const annotations = { "skerry.io/cloudcore": holder };
    await this.api.create<Lease>(
      { resource: leases, namespace: NAMESPACE },
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace: NAMESPACE, annotations },
        spec: { leaseDurationSeconds: 40, renewTime },
      },
    );
  }

  start(api: KubernetesApi = this.api): AwaitedNodes {
    return new AwaitedNodes({
      api,
      clock: this.clock,
      logger: silentLogger,
      replica: "here",
      cloudHub: { connectedNodes: this.connected, onSession: (listener) => this.#sessions.add(listener) },
    });
  }

  return(nodeName: string): void {
    this.connected.add(nodeName);
    this.#sessions.emit({ kind: "opened", nodeName });
  }

  leave(nodeName: string): void {
    this.connected.delete(nodeName);
    this.#sessions.emit({ kind: "closed", nodeName, reason: "cut" });
  }

  /** The API, but `verb` does what `instead` says. */
  apiWith<Verb extends "list" | "update">(verb: Verb, instead: KubernetesApi[Verb]): KubernetesApi {
    return new Proxy<KubernetesApi>(this.api, {
      get: (target, name) => (name === verb ? instead : Reflect.get(target, name).bind(target)),
    });
  }

  async silentForMs(name: string): Promise<number> {
    const { spec } = await this.api.get<Lease>({ resource: leases, namespace: NAMESPACE, name });
    return this.clock.now() - Date.parse(spec?.renewTime ?? "");
  }
}

function away(): ApiError {
  return new ApiError(failureStatus(503, "ServiceUnavailable", "away"));
}

test("no lease of a node that waits for its turn to return runs out, however long the return takes", async () => {
  const world = new World();
  for (let at = 0; at < 12; at++) await world.lease(`edge-${at}`, "here", 2_000 * at);
  using awaited = world.start();
  for (let at = 0; at < 12; at++) {
    for (let second = 0; second < 15; second++) {
      await world.clock.advance(1_000);
      for (let other = at; other < 12; other++) assert.ok((await world.silentForMs(`edge-${other}`)) < 30_000);
    }
    world.return(`edge-${at}`);
  }
  assert.equal(awaited.count, 0);
});

test("nodes that do not come are given up soon after the last one that did, and nothing runs any more", async () => {
  const world = new World();
  await world.lease("edge-comes", "here", 0);
  await world.lease("edge-dead", "here", 0);
  using awaited = world.start();
  await world.clock.advance(30_000);
  world.return("edge-comes");
  await world.clock.advance(39_000);
  assert.equal(awaited.count, 1);
  await world.clock.advance(2_000);
  assert.equal(awaited.count, 0);
  assert.equal(world.clock.timerCount, 0);
  await world.clock.advance(60_000);
  assert.ok((await world.silentForMs("edge-dead")) > 60_000);
});

test("a node is not waited for longer than five minutes, although others keep coming", async () => {
  const world = new World();
  for (let at = 0; at < 30; at++) await world.lease(`edge-${at}`, "here", 0);
  using awaited = world.start();
  for (let at = 0; at < 29; at++) {
    await world.clock.advance(11_000);
    world.return(`edge-${at}`);
  }
  assert.equal(awaited.count, 0);
});

test("a lease that another CloudCore holds or takes, that has run out, or whose node is here is left alone", async () => {
  const world = new World();
  await world.lease("edge-elsewhere", "there", 5_000);
  await world.lease("edge-long-gone", "here", 40_000);
  await world.lease("edge-back", "here", 5_000);
  await world.lease("edge-moves", "here", 5_000);
  world.connected.add("edge-back");
  using awaited = world.start();
  await world.clock.advance(1_000);
  assert.equal(awaited.count, 1);
  const target = { resource: leases, namespace: NAMESPACE, name: "edge-moves" };
  const body = { metadata: { annotations: { "skerry.io/cloudcore": "there" } } };
  await world.api.patch(target, { type: "merge", body });
  await world.clock.advance(30_000);
  assert.equal(awaited.count, 0);
  for (const name of ["edge-elsewhere", "edge-long-gone", "edge-back", "edge-moves"])
    assert.ok((await world.silentForMs(name)) >= 36_000, name);
});

test("a Kubernetes API that is away for a while costs nothing but a later renewal", async () => {
  const world = new World();
  await world.lease("edge-1", "here", 0);
  let failures = 3;
  const api = world.apiWith("update", (target, object, options) =>
    failures-- > 0 ? Promise.reject(away()) : world.api.update(target, object, options),
  );
  using awaited = world.start(api);
  await world.clock.advance(30_000);
  assert.equal(awaited.count, 1);
  assert.ok((await world.silentForMs("edge-1")) < 15_000);
});

test("a renewal that was written though its answer was lost does not end the waiting for its node", async () => {
  const world = new World();
  await world.lease("edge-1", "here", 0);
  let lost = 1;
  const api = world.apiWith("update", async (target, object, options) => {
    const written = await world.api.update(target, object, options);
    if (lost-- > 0) throw away();
    return written;
  });
  using awaited = world.start(api);
  await world.clock.advance(36_000);
  assert.equal(awaited.count, 1);
  assert.ok((await world.silentForMs("edge-1")) < 16_000);
});

test("a node whose session ends before it held its lease is waited for again", async () => {
  const world = new World();
  for (const name of ["edge-1", "edge-2", "edge-3"]) await world.lease(name, "here", 0);
  using awaited = world.start();
  await world.clock.advance(10_000);
  world.return("edge-1");
  await world.clock.advance(1_000);
  world.leave("edge-1");
  await world.clock.advance(34_000);
  assert.ok((await world.silentForMs("edge-1")) < 16_000);
  world.return("edge-2");
  await world.clock.advance(34_000);
  assert.ok((await world.silentForMs("edge-1")) < 16_000);
  assert.equal(awaited.count, 2);
});

test("a dead node is found out, however often CloudCore starts, and counts as connected nowhere meanwhile", async () => {
  const world = new World();
  await world.lease("edge-dead", "here", 0);
  const { api, clock } = world;
  const lastsMs = 40_000;
  for (let atMs = 0; atMs < 10 * 60_000; atMs += 30_000) {
    using _awaited = world.start();
    await clock.advance(30_000);
    const silentMs = await world.silentForMs("edge-dead");
    if (atMs < 4 * 60_000) assert.ok(silentMs < lastsMs, `${silentMs} ms after ${atMs} ms`);
    if (atMs >= 6 * 60_000) assert.ok(silentMs > lastsMs, `${silentMs} ms after ${atMs} ms`);
    const isHeld = atMs + 30_000 <= lastsMs;
    assert.equal(await isHeldElsewhere({ api, clock, replica: "there" }, "edge-dead"), isHeld);
    assert.deepEqual(await nodeHolders(api, clock), [{ node: "edge-dead", cloudCore: "here", connected: isHeld }]);
  }
});

test("nodes are waited for although the leases cannot be listed at first", async () => {
  const world = new World();
  await world.lease("edge-1", "here", 0);
  let failures = 3;
  const api = world.apiWith("list", (collection, options) =>
    failures-- > 0 ? Promise.reject(away()) : world.api.list(collection, options),
  );
  using awaited = world.start(api);
  await world.clock.advance(30_000);
  assert.equal(awaited.count, 1);
  assert.ok((await world.silentForMs("edge-1")) < 15_000);
});

test("of the requests that the API's client does at once a quarter is asked for, however many leases are due", async () => {
  const world = new World();
  for (let at = 0; at < 30; at++) await world.lease(`edge-${at}`, "here", 20_000);
  let running = 0;
  let most = 0;
  let written = 0;
  const api = world.apiWith("update", async (target, object, options) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    written++;
    return world.api.update(target, object, options);
  });
  using _awaited = world.start(api);
  await world.clock.advance(2_000);
  assert.equal(written, 30);
  assert.equal(most, 4);
});

test("leases are renewed in time though somebody sets the machine's clock", async () => {
  for (const byMs of [-3_600_000, 3_600_000]) {
    const world = new World();
    await world.lease("edge-1", "here", 0);
    const renewedAtMs: number[] = [];
    const api = world.apiWith("update", (target, object, options) => {
      renewedAtMs.push(world.clock.monotonicMs());
      return world.api.update(target, object, options);
    });
    using _awaited = world.start(api);
    await world.clock.advance(5_000);
    world.clock.jumpWallClock(byMs);
    await world.clock.advance(33_000);
    assert.deepEqual(renewedAtMs, [15_000, 30_000]);
  }
});
