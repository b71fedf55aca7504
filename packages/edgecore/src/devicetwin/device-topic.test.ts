import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEventTopic } from "./device-topic.ts";

test("a device's topic names it by namespace and name, or as of old by its name alone", () => {
  const device = (called: string, deviceId: string, action: string): object => ({
    kind: "device",
    deviceId,
    called,
    action,
  });
  const expected: Record<string, object> = {
    "$hw/events/device/ns/gate/twin/update": device("ns/gate", "ns/gate", "twin/update"),
    "$hw/events/device/gate/twin/get": device("gate", "default/gate", "twin/get"),
    "$hw/events/device/ns/gate/state/update": device("ns/gate", "ns/gate", "state/update"),
    "$hw/events/device/twin/twin/update": device("twin", "default/twin", "twin/update"),
    "$hw/events/device/a/twin/twin/update": device("a/twin", "a/twin", "twin/update"),
    "$hw/events/node/edge-1/membership/get": { kind: "membership", nodeName: "edge-1" },
    "$ke/events/device/gate/data/update": { kind: "data", deviceId: "default/gate" },
  };
  for (const [topic, target] of Object.entries(expected)) assert.deepEqual(parseEventTopic(topic), target, topic);
});

test("a topic that nobody at the edge may send is another's", () => {
  const wrong = [
    "",
    "twin/update",
    "//twin/update",
    "a//twin/update",
    "/a/twin/update",
    "xtwin/update",
    "a/xtwin/update",
    "a/b/c/twin/update",
    "a/b/c/d/twin/update",
    "ns/gate/twin/cloud_updated",
    "ns/gate/twin/update/result",
    "ns/gate",
  ];
  for (const rest of wrong) assert.deepEqual(parseEventTopic(`$hw/events/device/${rest}`), { kind: "other" }, rest);
});
