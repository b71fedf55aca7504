import assert from "node:assert/strict";
import { test } from "node:test";
import { readTwinRules, wrongTwinRules } from "./twin-rules.ts";

const object = (annotations: Record<string, string>): Parameters<typeof readTwinRules>[0] => ({
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "Device",
  metadata: { name: "x", annotations },
});

test("without annotations the newest counts, at least once", () => {
  assert.deepEqual(readTwinRules(object({}))("led"), { conflict: "newest", effect: "at-least-once" });
});

test("a property's own rule goes before the one for all, the Device's before its model's", () => {
  const device = object({ "skerry.io/conflict": "edge, valve = cloud", "skerry.io/effect": "door=at-most-once" });
  const model = object({ "skerry.io/conflict": "newest, led=newest", "skerry.io/effect": "at-most-once" });
  const rules = readTwinRules(device, model);
  assert.deepEqual(
    ["valve", "led", "door", "lamp"].map((name) => [rules(name).conflict, rules(name).effect]),
    [
      ["cloud", "at-most-once"],
      ["newest", "at-most-once"],
      ["edge", "at-most-once"],
      ["edge", "at-most-once"],
    ],
  );
});

test("a word that is no rule counts for nothing and is named", () => {
  const device = object({ "skerry.io/conflict": "mine, led=cloud", "skerry.io/effect": "door=exactly-once" });
  assert.deepEqual(readTwinRules(device)("lamp"), { conflict: "newest", effect: "at-least-once" });
  assert.equal(readTwinRules(device)("led").conflict, "cloud");
  assert.deepEqual(wrongTwinRules(device), [
    '"mine" in skerry.io/conflict is none of newest, cloud, edge',
    '"exactly-once" in skerry.io/effect is none of at-least-once, at-most-once',
  ]);
});
