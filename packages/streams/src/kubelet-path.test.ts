import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKubeletPath } from "./kubelet-path.ts";

test("the paths of the kubelet's streaming API are read, with a UID and without", () => {
  const web = { namespace: "default", pod: "web", uid: "", container: "app" };
  assert.deepEqual(parseKubeletPath("/containerLogs/default/web/app"), { kind: "logs", ...web });
  assert.deepEqual(parseKubeletPath("/exec/default/web/app"), { kind: "exec", ...web });
  assert.deepEqual(parseKubeletPath("/attach/default/web/u-1/app"), { kind: "attach", ...web, uid: "u-1" });
  const forward = { kind: "port-forward", ...web, container: "" };
  assert.deepEqual(parseKubeletPath("/portForward/default/web"), forward);
  assert.deepEqual(parseKubeletPath("/portForward/default/web/u-1"), { ...forward, uid: "u-1" });
});

test("other paths and names that could lead elsewhere are none of it", () => {
  for (const path of [
    "/run/default/web/app",
    "/containerLogs/default/web",
    "/containerLogs/default/../app",
    "/containerLogs/default/web/app/more",
    "/exec/default/web/a%2fb",
    "/exec/default//app",
    "exec/default/web/app",
    "",
  ])
    assert.equal(parseKubeletPath(path), undefined, path);
});
