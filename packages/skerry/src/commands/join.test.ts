import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { createSkerryToken } from "@skerry/pki";
import { stringify } from "yaml";
import { defaultSettings, loadSettings, saveSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { edgeCoreConfig } from "../supervisor/component-configs.ts";
import { wantedPorts } from "../supervisor/wanted-ports.ts";
import { forgetUpdatesOfAnotherCloud, readJoinFile, readJoinToken } from "./join.ts";

const cloud = { cloudHub: "192.0.2.7:10000", cloudHttps: "192.0.2.7:10002", token: "hash.a.b.c" };

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skerry-join-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function joinFile(context: TestContext, token: string): string {
  const file = join(scratch(context), "edgecore.yaml");
  const config = edgeCoreConfig({
    ...cloud,
    token,
    node: "edge-node-2",
    nodeLabels: { site: "harbour" },
    nodeFolder: "/var/lib/skerry",
    nodeAddress: undefined,
    containerRuntimeSocket: "/run/containerd/containerd.sock",
    mqttServer: "tcp://127.0.0.1:1883",
  });
  writeFileSync(file, stringify(config));
  return file;
}

test("what `skerry token` prints names the node and its cloud", async (context) => {
  assert.deepEqual(await readJoinFile(joinFile(context, cloud.token)), {
    node: "edge-node-2",
    nodeLabels: { site: "harbour" },
    cloud,
  });
});

test("a file without a token is refused with what to do", async (context) => {
  await assert.rejects(
    readJoinFile(joinFile(context, "")),
    (error) => isSkerryError(error, "SKERRY_CONFIG_UNREADABLE") && /skerry token/.test(error.message),
  );
});

test("the joined cloud is kept for the next start, for its owner's eyes only", (context) => {
  const home = skerryHome({ SKERRY_HOME: scratch(context) });
  writeFileSync(home.settingsFile, "{}", { mode: 0o644 });
  const settings = { ...defaultSettings(), node: "edge-node-2", cloud };
  saveSettings(home, settings);
  assert.deepEqual(loadSettings(home), settings);
  assert.equal(statSync(home.settingsFile).mode & 0o777, 0o600);
});

test("a joined machine needs only the broker's port", () => {
  const settings = defaultSettings();
  const ports = (joined: typeof settings): number[] => wantedPorts(joined).map(({ port }) => port);
  assert.deepEqual(ports({ ...settings, cloud }), [settings.mqttPort]);
  assert.ok(ports(settings).includes(settings.cloudHubPort));
});

test("a token alone names the cloud, and the node if it is for one", () => {
  const addresses = { cloudHub: "192.0.2.7:10000", cloudHttps: "192.0.2.7:10002", cloudTunnel: "192.0.2.7:10004" };
  const secret = { id: "aaaaaaaaaa", secret: "s".repeat(43) };
  const tokenFor = (nodeName?: string): string =>
    createSkerryToken("00", secret, { expiresAtMs: 1_000, ...addresses, ...(nodeName ? { nodeName } : {}) });
  const one = tokenFor("pump-7");
  assert.deepEqual(readJoinToken(one, undefined), {
    node: "pump-7",
    nodeLabels: {},
    cloud: { ...addresses, token: one },
  });
  assert.equal(readJoinToken(tokenFor(), "sensor-1")?.node, "sensor-1");
  assert.throws(
    () => readJoinToken(one, "pump-8"),
    (error) => isSkerryError(error, "SKERRY_USAGE"),
  );
  assert.equal(readJoinToken("edgecore.yaml", undefined), undefined);
});

test("a node that joins another cloud forgets what the first one's jobs have changed", (context) => {
  const home = skerryHome({ SKERRY_HOME: scratch(context) });
  const file = join(home.nodeFolder("edge-node-2"), "edgecore.updates.json");
  mkdirSync(home.nodeFolder("edge-node-2"));
  writeFileSync(file, "{}");
  const settings = { ...defaultSettings(), node: "edge-node-2", cloud };
  forgetUpdatesOfAnotherCloud(home, settings, { ...settings, nodeLabels: { site: "harbour" } });
  assert.ok(existsSync(file));
  forgetUpdatesOfAnotherCloud(home, settings, { ...settings, cloud: { ...cloud, cloudHub: "192.0.2.8:10000" } });
  assert.ok(!existsSync(file));
});
