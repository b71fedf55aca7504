import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rule, RuleEndpoint } from "@skerry/api";
import { readRule } from "./rule-reading.ts";
import { RuleTable } from "./rule-table.ts";

const endpoints: Record<string, RuleEndpoint["spec"]> = {
  rest: { ruleEndpointType: "rest" },
  bus: { ruleEndpointType: "eventbus" },
  service: { ruleEndpointType: "servicebus", properties: { service_port: "8080" } },
  portless: { ruleEndpointType: "servicebus" },
};

function read(source: string, sourceResource: Record<string, string>, target: string, targetResource = {}) {
  const rule: Rule = {
    apiVersion: "rules.kubeedge.io/v1",
    kind: "Rule",
    metadata: { name: "r", namespace: "plant" },
    spec: { source, sourceResource, target, targetResource },
  };
  return readRule(rule, (_namespace, name) => {
    const spec = endpoints[name];
    const type = { apiVersion: "rules.kubeedge.io/v1", kind: "RuleEndpoint" };
    return spec && { ...type, metadata: { name, namespace: "plant" }, spec };
  });
}

function active(...readings: ReturnType<typeof read>[]): RuleTable {
  return new RuleTable(
    readings.map((reading, index) => {
      assert.equal(reading.kind, "active", JSON.stringify(reading));
      if (reading.kind !== "active") throw new Error("unreachable");
      return { ...reading.rule, key: `plant/${index}` };
    }),
  );
}

test("of several rules for a path the longest wins, a literal before a {name}, whole segments only", () => {
  const table = active(
    read("rest", { path: "/a" }, "bus", { topic: "t" }),
    read("rest", { path: "a/{x}" }, "bus", { topic: "t" }),
    read("rest", { path: "/a/b/" }, "service", { path: "/s" }),
  );
  const found = (path: string) => {
    const match = table.forRequest("plant", path.split("/"));
    return match && [match.rule.key, ...match.extra];
  };
  assert.deepEqual(found("a"), ["plant/0"]);
  assert.deepEqual(found("a/b"), ["plant/2"]);
  assert.deepEqual(found("a/c/d"), ["plant/1", "d"]);
  assert.equal(found("ab"), undefined);
  assert.equal(found("x/a"), undefined);
  assert.equal(table.forRequest("other", ["a"]), undefined);
});

test("a node's topics match with wildcards, its own rules only", () => {
  const table = active(read("bus", { topic: "+/level", node_name: "edge-1" }, "rest", { resource: "http://x/" }));
  assert.equal(table.forTopic("edge-1", "plant/tank/level").length, 1);
  assert.equal(table.forTopic("edge-2", "plant/tank/level").length, 0);
  assert.equal(table.forTopic("edge-1", "other/tank/level").length, 0);
  assert.deepEqual(table.sourcesOf("edge-1"), { topics: ["plant/+/level"], urls: [] });
});

test("what is wrong with a rule is said in words", () => {
  const wrong = [
    [read("none", {}, "rest"), 'its source, the RuleEndpoint "none", does not exist'],
    [read("rest", { path: "/a" }, "none"), 'its target, the RuleEndpoint "none", does not exist'],
    [read("rest", {}, "bus", { topic: "t" }), "sourceResource.path is missing"],
    [read("bus", { topic: "t" }, "rest", { resource: "http://x" }), "sourceResource.node_name is missing"],
    [read("bus", { topic: "a#", node_name: "n" }, "rest"), 'sourceResource.topic "a#" is no MQTT topic'],
    [read("service", { node_name: "n" }, "rest"), "sourceResource.target_url is missing"],
    [read("rest", { path: "/a" }, "bus", { topic: "a/#" }), 'targetResource.topic "a/#" is no MQTT topic'],
    [read("rest", { path: "/a" }, "portless"), "its target's properties.service_port is no port"],
    [
      read("bus", { topic: "t", node_name: "n" }, "rest", { resource: "file:///etc/passwd" }),
      'targetResource.resource "file:///etc/passwd" is no http or https URL',
    ],
  ] as const;
  for (const [reading, reason] of wrong) assert.deepEqual(reading, { kind: "unusable", key: "plant/r", reason });
  const same = read("bus", { topic: "t", node_name: "n" }, "service", { path: "/" });
  assert.match(same.kind === "unusable" ? same.reason : "", /nothing goes from eventbus to servicebus/);
});
