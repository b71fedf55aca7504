import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases } from "@skerry/api";
import { Listeners, silentLogger, toKubernetesMicroTime } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { ApiError, failureStatus, type KubernetesApi } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { SessionEvent } from "../cloudhub/index.ts";
import { AwaitedNodes } from "./awaited-nodes.ts";

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

  async silentForMs(name: string): Promise<number> {
    const { spec } = await this.api.get<Lease>({ resource: leases, namespace: NAMESPACE, name });
    return this.clock.now() - Date.parse(spec?.renewTime ?? "");
  }
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
  const api: KubernetesApi = new Proxy(world.api, {
    get: (target, name) =>
      name === "update" && failures-- > 0
        ? () => Promise.reject(new ApiError(failureStatus(503, "ServiceUnavailable", "away")))
        : Reflect.get(target, name).bind(target),
  });
  using awaited = world.start(api);
  await world.clock.advance(30_000);
  assert.equal(awaited.count, 1);
  assert.ok((await world.silentForMs("edge-1")) < 15_000);
});
