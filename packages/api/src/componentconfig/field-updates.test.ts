import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import { parseEdgeCoreConfig } from "./edgecore-config.ts";
import { joinFieldUpdates, readFieldUpdates, withFieldUpdates } from "./field-updates.ts";

const FILE = {
  kind: "EdgeCore",
  modules: { edgeHub: { heartbeat: 15 }, edged: { hostnameOverride: "edge-1", nodeLabels: { site: "north" } } },
};

function updatesOf(fields: Record<string, string>, file: JsonValue = FILE) {
  const reading = readFieldUpdates(file, fields);
  assert.equal(reading.kind, "usable", JSON.stringify(reading));
  return reading.updates;
}

function findingsOf(fields: JsonValue, file: JsonValue = FILE): string {
  const reading = readFieldUpdates(file, fields);
  assert.equal(reading.kind, "wrong", JSON.stringify(reading));
  return reading.findings.join("; ");
}

test("each text gets the type that its field wants", () => {
  const updates = updatesOf({
    "modules.edgeStream.enable": "true",
    "modules.edgeHub.heartbeat": "20",
    "modules.eventBus.mqttPassword": "12345",
    "modules.edged.nodeLabels.example\\.com/line": "7",
    "skerry.servers": '["10.0.0.1:10000"]',
  });
  assert.deepEqual(updates, {
    "modules.edgeStream.enable": true,
    "modules.edgeHub.heartbeat": 20,
    "modules.eventBus.mqttPassword": "12345",
    "modules.edged.nodeLabels.example\\.com/line": "7",
    "skerry.servers": ["10.0.0.1:10000"],
  });
  const { config } = parseEdgeCoreConfig(withFieldUpdates(FILE, updates));
  assert.equal(config.edgeStream.enabled, true);
  assert.deepEqual(config.edged.nodeLabels, { site: "north", "example.com/line": "7" });
  assert.deepEqual(updatesOf({ "skerry.servers": "{10.0.0.1:10000,10.0.0.2:10000}" })["skerry.servers"], [
    "10.0.0.1:10000",
    "10.0.0.2:10000",
  ]);
});

test("names are matched without regard to case, as the file is read", () => {
  const updates = updatesOf({ "modules.edgehub.HEARTBEAT": "20" });
  assert.deepEqual(withFieldUpdates(FILE, updates), {
    ...FILE,
    modules: { ...FILE.modules, edgeHub: { heartbeat: 20 } },
  });
});

test("what the file would not take is refused with all that is wrong", () => {
  const findings = findingsOf({ "modules.edgeHub.heartbeat": "soon", "modules.edgeHub.hartbeat": "20" });
  assert.match(findings, /modules\.edgeHub\.heartbeat must be/);
  assert.match(findingsOf({ "modules.edgeHub.hartbeat": "20" }), /hartbeat: unknown field/);
  assert.match(findingsOf({ "modules.edgeHub.heartbeat.deep": "20" }), /lies below something/);
  for (const fields of [undefined, null, "x", {}, []])
    assert.match(findingsOf(fields as JsonValue), /at least one field/);
  assert.match(findingsOf({ "modules.edgeHub.heartbeat": 20 }), /must have a text/);
});

test("paths that are none, and those that would change who a node is, are refused", () => {
  for (const path of ["", "a..b", "a b", "__proto__.x", "modules.constructor.prototype", "modules;rm -rf", "$(reboot)"])
    assert.match(findingsOf({ [path]: "1" }), /is no path of a field/, path);
  for (const path of ["modules.edged.hostnameOverride", "database.dataSource", "Database", "kind"])
    assert.match(findingsOf({ [path]: "x" }), /cannot be changed by a job/, path);
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

test("what was wrong in the file before is not held against an update", () => {
  const file: JsonValue = { modules: { edgeHub: { heartbeat: 15 } }, strange: 1 };
  assert.deepEqual(updatesOf({ "modules.edgeHub.heartbeat": "20" }, file), { "modules.edgeHub.heartbeat": 20 });
});

test("a newer update takes the place of an older one of the same field", () => {
  assert.deepEqual(joinFieldUpdates({ "A.b": 1, c: 2 }, { "a.B": 3 }), { c: 2, "a.B": 3 });
});
