import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, type Pod, pods } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { checkBothSidesEqual } from "./checkers/both-sides-equal.ts";
import { checkHistory } from "./checkers/check-history.ts";
import { createDevices } from "./workload/acts.ts";
import { NAMESPACE, nodeNameOf, SIMULATED_IMAGE } from "./workload/names.ts";
import { VirtualClock } from "./world/virtual-clock.ts";
import { World, type WorldNode } from "./world/world.ts";

const NODE = nodeNameOf(0);
const SETTLED_MS = 30_000;
const PODS = ["kept", "deleted", "recreated", "changed"];

function podNamed(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName: NODE,
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 5,
      containers: [{ name: "app", image: SIMULATED_IMAGE, imagePullPolicy: "IfNotPresent" }],
      volumes: [{ name: "config", configMap: { name: "settings", optional: true } }],
    },
  };
}

/** A cloud and a node of production code, the node cut off for so long, on virtual time. */
class Outage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly world: World;

  constructor(delivery: "skerry" | "kubeedge") {
    const nodes = [{ delivery, hasTightOutbox: false }];
    const schedule = { seed: 1, clouds: 1, nodes, acts: [], endMs: 0 };
    this.world = new World(schedule, { clock: this.clock, logger: silentLogger, mutant: undefined, sqlite: undefined });
  }

  get #node(): WorldNode {
    const [node] = this.world.nodes;
    assert.ok(node);
    return node;
  }

  async start(): Promise<void> {
    await createDevices(this.world.api, [NODE]);
    for (const cloud of this.world.clouds) cloud.start();
    this.#node.edge.start();
    for (const name of PODS) await this.world.api.create({ resource: pods, namespace: NAMESPACE }, podNamed(name));
    await this.clock.advance(SETTLED_MS);
  }

  async cut(durationMs: number, meanwhile: () => Promise<void>): Promise<void> {
    this.world.network.setCable(NODE, "cut");
    await this.clock.advance(durationMs / 2);
    await meanwhile();
    await this.clock.advance(durationMs / 2);
    this.world.network.setCable(NODE, "up");
    await this.clock.advance(SETTLED_MS);
  }

  /** Each pod's running container, by the pod's name. */
  containers(): Map<string, string> {
    return new Map(this.#node.edge.runtime.running().map(({ name, id }) => [name.replace("/app", ""), id]));
  }

  async pods(): Promise<Pod[]> {
    return (await this.world.api.list<Pod>({ resource: pods })).items;
  }

  async violations(): Promise<string[]> {
    const { name, edge } = this.#node;
    const { api, history } = this.world;
    const events = history.eventsOf(name);
    const state = { api, nodeName: name, stored: edge.state.storedObjects(), running: edge.runtime.running(), events };
    return [...(await checkBothSidesEqual(state)), ...checkHistory(history, [name])].map(({ message }) => message);
  }
}

for (const delivery of ["skerry", "kubeedge"] as const)
  for (const [title, durationMs] of [
    ["a minute", 60_000],
    ["an hour", 3_600_000],
  ] as const) {
    test(`after ${title} offline, protocol ${delivery}, nothing is restarted when nothing changed in the cloud`, async () => {
      const outage = new Outage(delivery);
      await outage.start();
      const before = outage.containers();
      assert.equal(before.size, PODS.length);
      await outage.cut(durationMs, async () => {});
      assert.deepEqual(outage.containers(), before);
      assert.deepEqual(await outage.violations(), []);
      for (const { status } of await outage.pods())
        assert.deepEqual([status?.phase, status?.containerStatuses?.[0]?.restartCount], ["Running", 0]);
      outage.world.destroy();
    });

    test(`after ${title} offline, protocol ${delivery}, only what was changed in the cloud changes, and nothing hangs in its end`, async () => {
      const outage = new Outage(delivery);
      await outage.start();
      const { api } = outage.world;
      const named = (name: string) => ({ resource: pods, namespace: NAMESPACE, name }) as const;
      const before = outage.containers();
      await outage.cut(durationMs, async () => {
        await api.delete(named("deleted"), { gracePeriodSeconds: 5 });
        await api.delete(named("recreated"), { gracePeriodSeconds: 0 });
        await api.create({ resource: pods, namespace: NAMESPACE }, podNamed("recreated"));
        await api.patch(named("changed"), { type: "merge", body: { metadata: { annotations: { changed: "yes" } } } });
        const metadata = { name: "settings", namespace: NAMESPACE };
        await api.create(
          { resource: configMaps, namespace: NAMESPACE },
          { apiVersion: "v1", kind: "ConfigMap", metadata, data: { text: "new" } },
        );
      });
      const after = outage.containers();
      for (const name of ["kept", "changed"]) assert.equal(after.get(name), before.get(name), name);
      assert.deepEqual([...after.keys()].sort(), ["changed", "kept", "recreated"]);
      assert.notEqual(after.get("recreated"), before.get("recreated"));
      assert.deepEqual(
        (await outage.pods()).map(({ metadata }) => [metadata.name, metadata.deletionTimestamp]).sort(),
        [
          ["changed", undefined],
          ["kept", undefined],
          ["recreated", undefined],
        ],
      );
      assert.deepEqual(await outage.violations(), []);
      outage.world.destroy();
    });
  }
