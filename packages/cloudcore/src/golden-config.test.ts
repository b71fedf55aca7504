import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  cloudCoreDefaultConfigText,
  cloudCoreMinConfigText,
  defaultCloudCoreConfig,
  parseCloudCoreConfig,
} from "@skerry/api";
import { parse } from "yaml";

const folder = join(import.meta.dirname, "../../../fixtures/config");

test("what KubeEdge's own cloudcore prints with --defaultconfig is read without a warning, and means our defaults", () => {
  const { config, warnings } = parseCloudCoreConfig(
    parse(readFileSync(join(folder, "kubeedge-cloudcore.default.yaml"), "utf8")),
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(config, { ...defaultCloudCoreConfig(), advertiseAddresses: ["192.0.2.2"] });
});

test("what it prints with --minconfig runs CloudHub, although that file switches it off", () => {
  const { config, warnings } = parseCloudCoreConfig(
    parse(readFileSync(join(folder, "kubeedge-cloudcore.min.yaml"), "utf8")),
  );
  assert.equal(config.nodeLimit, 1000);
  assert.deepEqual(warnings, [
    "modules.cloudHub.enable: CloudCore without CloudHub does nothing, so it runs all the same",
  ]);
});

test("what our own prints is read without a warning, and means our defaults", () => {
  const complete = parseCloudCoreConfig(parse(cloudCoreDefaultConfigText("192.0.2.2")));
  const small = parseCloudCoreConfig(parse(cloudCoreMinConfigText("192.0.2.2")));
  const expected = { ...defaultCloudCoreConfig(), advertiseAddresses: ["192.0.2.2"] };
  assert.deepEqual(complete, { config: expected, warnings: [] });
  assert.deepEqual(small, { config: { ...expected, kubeConfig: "/root/.kube/config" }, warnings: [] });
});
