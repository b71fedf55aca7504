import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, Service } from "@skerry/api";
import { disposable, Listeners, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { ScriptedCloudLink } from "../edged/testing/scripted-cloud-link.ts";
import type { ObjectChange } from "../metamanager/meta-store.ts";
import { ServiceEntry } from "./service-entry.ts";
import type { ServiceNetwork } from "./service-network.ts";
import { service } from "./testing/service-objects.ts";

/** Counts what is loaded, and what it is told. */
class EntryWorld {
  readonly stored: Service[] = [];
  loads = 0;
  changes = 0;
  namesChanged = 0;
  failing = false;
  removals = 0;
  removing: Promise<void> = Promise.resolve();
  hold: Promise<void> = Promise.resolve();
  readonly #changed = new Listeners<ObjectChange>((error) => assert.fail(String(error)));
  readonly clock = new ManualClock();
  readonly link: ScriptedCloudLink;
  readonly entry: ServiceEntry;

  constructor() {
    const shared = { clock: this.clock, random: new SeededRandom(), logger: silentLogger };
    this.link = new ScriptedCloudLink(shared, false);
    this.entry = new ServiceEntry({
      ...shared,
      cloudLink: this.link,
      removeLeftRules: () => {
        this.removals++;
        return this.removing;
      },
      meta: {
        list: <T extends KubernetesObject>() => this.stored as KubernetesObject[] as T[],
        onChange: (listener) => this.#changed.add(listener),
      },
      load: async () => {
        this.loads++;
        if (this.failing) throw new Error("cannot be loaded");
        const network: Pick<ServiceNetwork, "start" | "changed" | "serverFor"> & AsyncDisposable = {
          start: () => this.hold,
          changed: () => this.changes++,
          serverFor: async () => "10.244.1.1",
          [Symbol.asyncDispose]: async () => undefined,
        };
        return network as ServiceNetwork;
      },
    });
  }

  start(): void {
    this.entry.start({
      clusterDomain: "cluster.local",
      pods: () => [],
      hostServers: async () => [],
      notice: () => undefined,
      namesChanged: () => this.namesChanged++,
      onPodsChanged: () => disposable(() => undefined),
    });
  }

  async store(name: string, namespace?: string): Promise<void> {
    const object = service(name, {}, namespace);
    this.stored.push(object);
    const key = { type: "service", namespace: object.metadata.namespace ?? "", name };
    this.#changed.emit({ kind: "stored", key, object });
    await settle();
  }
}

test("nothing is loaded before the first Service, the API server's own left out; then pods look again where they ask", async () => {
  const world = new EntryWorld();
  world.start();
  await world.store("kubernetes", "default");
  assert.deepEqual([world.loads, await world.entry.serverFor("10.244.1.9")], [0, undefined]);
  await world.store("web");
  assert.deepEqual([world.loads, world.namesChanged], [1, 1]);
  assert.equal(await world.entry.serverFor("10.244.1.9"), "10.244.1.1");
  await world.store("other");
  assert.deepEqual([world.loads, world.changes], [1, 1]);
});

test("a pod that is started at the same time waits until stored Services are served", async () => {
  const world = new EntryWorld();
  await world.store("web");
  const asked = world.entry.serverFor("10.244.1.9");
  world.start();
  assert.equal(await asked, "10.244.1.1");
});

test("EdgeCore's start does not wait for the kernel's rules; pods that ask for names do", async () => {
  const world = new EntryWorld();
  const held = Promise.withResolvers<void>();
  world.hold = held.promise;
  await world.store("web");
  world.start();
  let answered = false;
  const asked = world.entry.serverFor("10.244.1.9").finally(() => {
    answered = true;
  });
  await settle();
  assert.deepEqual([world.loads, answered], [1, false]);
  held.resolve();
  assert.equal(await asked, "10.244.1.1");
});

test("what cannot be loaded keeps no pod from starting", async () => {
  const world = new EntryWorld();
  world.failing = true;
  await world.store("web");
  world.start();
  assert.equal(await world.entry.serverFor("10.244.1.9"), undefined);
});

test("a node without Services has an earlier one's rules removed once the cloud was there long enough to send some", async () => {
  const world = new EntryWorld();
  world.start();
  await world.clock.advance(10 * 60_000);
  world.link.setConnected(true);
  await world.clock.advance(110_000);
  world.link.setConnected(false);
  await world.clock.advance(60_000);
  assert.equal(world.removals, 0, "the cloud was not there for long enough at a time");
  world.link.setConnected(true);
  await world.clock.advance(120_000);
  assert.equal(world.removals, 1);
  world.link.setConnected(false);
  world.link.setConnected(true);
  await world.clock.advance(120_000);
  assert.equal(world.removals, 1);
});

test("rules are left to a node with Services, stored ones or one that comes in time", async () => {
  const stored = new EntryWorld();
  await stored.store("web");
  const coming = new EntryWorld();
  for (const world of [stored, coming]) {
    world.start();
    world.link.setConnected(true);
  }
  await coming.store("web");
  for (const world of [stored, coming]) {
    await world.clock.advance(120_000);
    assert.deepEqual([world.loads, world.removals], [1, 0]);
  }
});

test("a Service that comes while rules are removed is served after that", async () => {
  const world = new EntryWorld();
  const removed = Promise.withResolvers<void>();
  world.removing = removed.promise;
  world.start();
  world.link.setConnected(true);
  await world.clock.advance(120_000);
  await world.store("web");
  assert.deepEqual([world.removals, world.loads], [1, 0]);
  removed.resolve();
  await settle();
  assert.equal(world.loads, 1);
});
