import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { defaultSettings } from "../../settings.ts";
import { wantedPorts } from "../../supervisor/wanted-ports.ts";
import { cloudSettings, initFlags } from "./init.ts";

test("KubeEdge's init flags give a cloud without a node, with all its addresses", () => {
  const flags = initFlags([
    "--advertise-address",
    "192.0.2.7,cloud.example.com,10.0.0.7",
    "--kubeedge-version",
    "v1.23.0",
  ]);
  assert.deepEqual(flags.meaningless, ["kubeedge-version"]);
  const settings = cloudSettings(defaultSettings(), flags);
  assert.equal(settings.node, undefined);
  assert.equal(settings.advertiseAddress, "192.0.2.7");
  assert.deepEqual(settings.certificateNames, ["cloud.example.com", "10.0.0.7"]);
});

test("run again without addresses, init keeps those of before", () => {
  const before = cloudSettings(defaultSettings(), initFlags(["--advertise-address", "192.0.2.7,b"]));
  assert.deepEqual(cloudSettings(before, initFlags([])), before);
});

test("for another Kubernetes the built-in one's port is not wanted", () => {
  const kubeConfig = import.meta.filename;
  const settings = cloudSettings(defaultSettings(), initFlags(["--kube-config", kubeConfig]));
  assert.equal(settings.kubeConfig, kubeConfig);
  assert.ok(!wantedPorts(settings).some(({ option }) => option === "--api-port"));
});

test("init flags that Skerry cannot follow are usage errors", () => {
  for (const flags of [
    ["--advertise-address", "https://x"],
    ["--kube-config", "/nonexistent/kubeconfig"],
  ])
    assert.throws(
      () => initFlags(flags),
      (error) => isSkerryError(error, "SKERRY_USAGE"),
      flags.join(" "),
    );
});
