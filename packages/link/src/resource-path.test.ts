import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesPattern, objectPath, parseDevicePath, parseObjectPath } from "./resource-path.ts";

test("an object's path goes there and back, cluster scope as the word null", () => {
  assert.equal(objectPath("default", "pod", "web"), "default/pod/web");
  assert.equal(objectPath(undefined, "node", "edge-1"), "null/node/edge-1");
  assert.deepEqual(parseObjectPath("default/pod/web"), { namespace: "default", type: "pod", name: "web" });
  assert.deepEqual(parseObjectPath("null/node/edge-1"), { namespace: undefined, type: "node", name: "edge-1" });
  assert.deepEqual(parseObjectPath("default/podstatus"), { namespace: "default", type: "podstatus", name: undefined });
});

test("a path with missing, empty or too many parts names no object", () => {
  for (const path of ["", "membership", "a//b", "/pod/x", "a/b/", "a/b/c/d", undefined])
    assert.equal(parseObjectPath(path), undefined, path);
});

test("a device's path names the device and what it is about", () => {
  assert.deepEqual(parseDevicePath("device/default/thermo/twin/edge_updated"), {
    namespace: "default",
    name: "thermo",
    subject: "twin/edge_updated",
  });
  for (const path of ["device/default/thermo", "devices/a/b/c", "device//b/state/update", "device/a/b/state/"])
    assert.equal(parseDevicePath(path), undefined, path);
});

test("patterns are matched part by part, never as substrings", () => {
  assert.ok(matchesPattern("<ns>/pod/<name>", "default/pod/web"));
  assert.ok(matchesPattern("<any…>", "a/b/c"));
  assert.ok(!matchesPattern("<ns>/pod/<name>", "default/pod"));
  assert.ok(!matchesPattern("<ns>/pod/<name>", "default/podlist/web"));
  assert.ok(!matchesPattern("<ns>/pod/<name>", "default/pod/web/more"));
  assert.ok(!matchesPattern("<ns>/pod/<name>", "default/pod/"));
  assert.ok(!matchesPattern("membership", "membership/detail"));
});
