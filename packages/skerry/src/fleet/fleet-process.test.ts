import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { startHollowNode } from "@skerry/edgecore/hollow/platform";
import type { FleetPlan, FleetSample } from "./fleet-messages.ts";
import { FleetProcess } from "./fleet-process.ts";

const plan: FleetPlan = {
  prefix: "fleet-a",
  first: 8,
  count: 3,
  nodesPerSecond: 1000,
  labels: {},
  // Nothing listens there.
  cloudHub: "127.0.0.1:1",
  cloudHttps: "127.0.0.1:1",
  token: "hash.a.b.c",
  delivery: "skerry",
};

test("nodes are started one after the other under their names, told of each second, and stopped", async () => {
  const names: string[] = [];
  const all = Promise.withResolvers<FleetSample>();
  {
    await using nodes = new FleetProcess(
      {
        clock: systemClock,
        random: systemRandom,
        residentBytes: () => 1,
        report: (sample) => {
          if (sample.started === 3) all.resolve(sample);
        },
        startNode: async (nodeName, _number, { labels, cloudHub, cloudHttps, token, delivery }) => {
          names.push(nodeName);
          const ports = { clock: systemClock, random: systemRandom, logger: silentLogger };
          return startHollowNode({
            nodeName,
            labels,
            cloudHub,
            cloudHttps,
            token,
            delivery,
            address: "10.0.0.1",
            ...ports,
          });
        },
      },
      plan,
    );
    nodes.start();
    const sample = await all.promise;
    assert.equal(sample.joined, 0, "no cloud is there");
    assert.equal(sample.connected, 0);
  }
  assert.deepEqual(names, ["fleet-a-00008", "fleet-a-00009", "fleet-a-00010"]);
});

test("a node that cannot be started is told of, and the others go on", async () => {
  const told = Promise.withResolvers<FleetSample>();
  await using nodes = new FleetProcess(
    {
      clock: systemClock,
      random: systemRandom,
      residentBytes: () => 1,
      report: told.resolve,
      startNode: () => Promise.reject(new Error("no memory")),
    },
    plan,
  );
  nodes.start();
  const sample = await told.promise;
  assert.equal(sample.started, 0);
  assert.match(sample.failure ?? "", /no memory/);
});
