import assert from "node:assert/strict";
import { test } from "node:test";
import { SkerryError, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { matchesTopic } from "@skerry/link";
import { DeviceTwin } from "../../devicetwin/index.ts";
import { device, model, TwinWorld } from "../../devicetwin/testing/twin-world.ts";
import type { CloudLink } from "../../edgehub/cloud-link.ts";
import { EventBus } from "../event-bus.ts";
import { topicFilters } from "../topic-filters.ts";
import { MemoryBroker } from "./memory-broker.ts";

const offline: CloudLink = {
  state: { kind: "disconnected", sinceMs: 0, reason: "test" },
  onState: () => ({ [Symbol.dispose]() {} }),
  send() {
    throw new SkerryError({ code: "LINK_DISCONNECTED", message: "offline", advice: "none" });
  },
  request: () => Promise.reject(new Error("not used")),
};

const root = "$hw/events/device/default/thermo-1";

test("on virtual time: a desired value set during an outage of the broker reaches the device after it", async () => {
  await using world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device());
  const clock = new ManualClock();
  const ports = { clock, random: new SeededRandom(1), logger: silentLogger };
  const broker = new MemoryBroker(clock);
  await using bus = new EventBus({ ...ports, mqtt: broker.connector("edge"), cloudLink: offline });
  await using twin = new DeviceTwin({ ...ports, nodeName: "edge-node-1", meta: world.meta, bus, cloudLink: offline });
  const published: string[] = [];
  broker.onPublish(({ topic }) => published.push(topic));
  await twin.start();
  await bus.start();
  await clock.advance(1_000);
  broker.publish(`${root}/twin/update`, JSON.stringify({ twin: { led: { actual: { value: "OFF" } } } }));
  await clock.advance(100);
  assert.ok(published.includes(`${root}/twin/update/result`));

  broker.stop();
  await clock.advance(10_000);
  assert.equal(bus.isConnected, false);
  await world.fromCloud("update", device({ led: "ON" }));
  published.length = 0;
  broker.restart();
  await clock.advance(10_000);
  assert.ok(published.includes(`${root}/twin/update/delta`));
});

test("nothing that EdgeCore publishes for devices is among what it subscribes to", () => {
  assert.ok(topicFilters.some((filter) => matchesTopic(filter, `${root}/twin/update`)));
  for (const end of ["twin/update/result", "twin/update/delta", "twin/get/result", "state/update/result"])
    assert.ok(!topicFilters.some((filter) => matchesTopic(filter, `${root}/${end}`)), end);
});
