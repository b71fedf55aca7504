// What goes wrong on users' machines ends in a coded error that says what to do, never in a stack trace.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Installation, root } from "./support/installation.ts";
import { type Ended, run } from "./support/run.ts";

function assertCoded(ended: Ended, code: string): void {
  assert.notEqual(ended.status, 0);
  assert.match(ended.stderr, new RegExp(`^${code}: .+\n.+`, "m"), ended.stdout + ended.stderr);
  assert.doesNotMatch(ended.stderr, /^\s+at .*:\d+/m, "no stack trace");
}

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skerry-bad-input-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function cloudSide(context: TestContext): Promise<Installation> {
  const skerry = await Installation.create("bad-input");
  context.after(() => skerry.dispose());
  return skerry;
}

test("a command that does not exist, a wrong option and a wrong port are usage errors with status 2", async () => {
  for (const parameters of [
    ["fly"],
    ["up", "--wings"],
    ["up", "--api-port", "70000"],
    ["link", "cut"],
    ["image", "load"],
  ]) {
    const ended = await run([join(root, "bin/skerry"), ...parameters]);
    assert.equal(ended.status, 2, parameters.join(" "));
    assertCoded(ended, "SKERRY_USAGE");
  }
});

test("commands that need a running Skerry say that there is none", async (context) => {
  const environment = { SKERRY_HOME: scratch(context) };
  for (const parameters of [["status"], ["token"], ["demo"], ["link", "cut", "edge-node-1"]])
    assertCoded(await run([join(root, "bin/skerry"), ...parameters], { environment }), "SKERRY_NOT_RUNNING");
});

test("a port in use is named with its holder and the option that changes it", async (context) => {
  const skerry = await cloudSide(context);
  const server = createServer().listen(skerry.ports.api, "127.0.0.1");
  context.after(() => server.close());
  const ended = await skerry.skerry("up", "--detach", "--no-node", ...skerry.portOptions);
  assertCoded(ended, "SKERRY_PORT_IN_USE");
  assert.match(ended.stderr, new RegExp(`process ${process.pid}`));
  assert.match(ended.stderr, /--api-port/);
});

test("a home folder that cannot be written is a coded error", async (context) => {
  const file = join(scratch(context), "file");
  writeFileSync(file, "");
  assertCoded(
    await run([join(root, "bin/skerry"), "up"], { environment: { SKERRY_HOME: join(file, "home") } }),
    "SKERRY_HOME_UNUSABLE",
  );
});

test("wrong configurations of cloudcore and edgecore name the file or the field", async (context) => {
  const folder = scratch(context);
  const file = join(folder, "config.yaml");
  for (const name of ["cloudcore", "edgecore"]) {
    const command = [join(root, "bin", name), "--config", file];
    rmSync(file, { force: true });
    assertCoded(await run(command), "SKERRY_CONFIG_UNREADABLE");
    writeFileSync(file, "modules: {cloudHub: [}");
    assertCoded(await run(command), "SKERRY_CONFIG_UNREADABLE");
    writeFileSync(file, "kind: Banana");
    assertCoded(await run(command), "CONFIG_INVALID");
    writeFileSync(file, "modules: {cloudHub: {websocket: {port: many}}, edgeHub: {heartbeat: often}}");
    const wrongType = await run(command);
    assertCoded(wrongType, "CONFIG_INVALID");
    assert.match(wrongType.stderr, name === "cloudcore" ? /websocket\.port/ : /heartbeat/);
  }
});

test("an edgecore without certificate and token says which command prints one", async (context) => {
  const folder = scratch(context);
  const file = join(folder, "edgecore.yaml");
  writeFileSync(
    file,
    `apiVersion: edgecore.config.kubeedge.io/v1alpha2
kind: EdgeCore
database: {dataSource: ${folder}/edgecore.db}
modules:
  edged: {hostnameOverride: lonely, rootDirectory: ${folder}/edged}
  edgeHub:
    httpServer: https://127.0.0.1:1
    websocket: {server: "127.0.0.1:1"}
    tlsCaFile: ${folder}/ca.crt
    tlsCertFile: ${folder}/server.crt
    tlsPrivateKeyFile: ${folder}/server.key
`,
  );
  const ended = await run([join(root, "bin/edgecore"), "--config", file]);
  assert.notEqual(ended.status, 0);
  assert.match(ended.stderr, /skerry token/);
  assert.doesNotMatch(ended.stderr, /^\s+at .*:\d+/m);
});

test("wrong manifests are refused by the API server with the field's name, and nothing is stored", async (context) => {
  const skerry = await cloudSide(context);
  await skerry.up("--no-node");
  const wrong = [
    {
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name: "Bad_Name" },
      spec: { containers: [{ name: "a", image: "b" }] },
    },
    { kind: "Pod", apiVersion: "v1", metadata: { name: "empty" }, spec: { containers: [] } },
    { kind: "Deployment", apiVersion: "apps/v1", metadata: { name: "no-selector" }, spec: { template: {} } },
    { kind: "Banana", apiVersion: "fruit/v1", metadata: { name: "b" } },
  ];
  for (const manifest of wrong) {
    const ended = await skerry.kubectlWith(JSON.stringify(manifest), "create", "-f", "-");
    assert.notEqual(ended.status, 0, JSON.stringify(manifest));
    assert.match(ended.stderr, /error|invalid|no matches/i);
  }
  assert.equal((await skerry.get("pods,deployments", "-n", "default")).items.length, 0);
});

test("a foreign client on CloudHub's port does not disturb it", async (context) => {
  const skerry = await cloudSide(context);
  await skerry.up("--no-node");
  const foreign = await run(["curl", "-s", "--max-time", "5", `http://127.0.0.1:${skerry.ports.hub}/`]);
  assert.notEqual(foreign.status, 0);
  assert.equal((await skerry.skerry("status")).status, 0);
});

test("a file that is no image archive is refused", async (context) => {
  const skerry = await cloudSide(context);
  const file = join(skerry.home, "not-an-image.tar");
  mkdirSync(skerry.home, { recursive: true });
  writeFileSync(file, "hello");
  assertCoded(await skerry.skerry("image", "load", join(skerry.home, "missing.tar")), "SKERRY_IMAGE_ARCHIVE_INVALID");
});
