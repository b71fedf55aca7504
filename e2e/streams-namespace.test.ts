// kubectl's stream commands, by the oldest and the newest kubectl that is supported, over both of its transports, into a
// node that can only dial out; the tests build on each other.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { Kubectl } from "./support/kubectl.ts";
import { packetFilterRules } from "./support/packet-filter.ts";
import { pinnedKubectl } from "./support/pinned-kubectl.ts";
import { run } from "./support/run.ts";
import { SecondMachine } from "./support/second-machine.ts";
import { streamsPod, testStreamCommands } from "./support/stream-commands.ts";
import { waitUntil } from "./support/wait-until.ts";

describe("streams into a node that can only dial out", () => {
  let cloud: Installation;
  let machine: SecondMachine;
  let folder: string;
  let rulesBefore: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skerry-dial-out-"));
    cloud = await Installation.create("dial-out");
    rulesBefore = await packetFilterRules();
    await cloud.up("--no-node", "--no-examples");
    machine = await SecondMachine.create({ hidden: [cloud.home], behindRouter: true });
    const { websocket } = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout);
    await machine.routeTo(websocket.split(":")[0]);
    const file = join(folder, "edgecore.yaml");
    writeFileSync(file, (await cloud.skerry("token")).stdout, { mode: 0o600 });
    const joined = await machine.skerry("join", file, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    await cloud.kubectlOk("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s");
    const applied = await cloud.kubectlWith(JSON.stringify(streamsPod("talk")), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await waitUntil("the pod counts", async () =>
      (await cloud.kubectlOk("logs", "talk", "-c", "counts")).includes("line 1\n"),
    );
  });
  after(async () => {
    try {
      await machine.dispose();
    } finally {
      await cloud.dispose();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test("nothing leads back to the node", async () => {
    const { status } = await cloud.get("node", (await cloud.get("pod", "talk")).spec.nodeName);
    const { address } = status.addresses.find(({ type }: { type: string }) => type === "InternalIP");
    assert.equal(address, machine.address);
    const route = await run(["ip", "route", "get", address]);
    assert.doesNotMatch(route.stdout, / dev cable/);
  });

  for (const version of ["1.32.3", "1.36.4"] as const)
    for (const transport of ["WebSocket", "SPDY"] as const)
      describe(`kubectl ${version}, ${transport} first`, () => {
        let kubectl: Kubectl;
        before(async () => {
          kubectl = new Kubectl(await pinnedKubectl(version), cloud.kubeconfig, transport);
        });
        testStreamCommands("talk", () => kubectl);
      });

  test("kubectl debug node/NAME shows the node's own files and processes", async () => {
    const kubectl = new Kubectl(await pinnedKubectl("1.36.4"), cloud.kubeconfig, "WebSocket");
    const { nodeName } = (await cloud.get("pod", "talk")).spec;
    const script = `read line; cat /proc/1/comm; ls -d /host${machine.home}`;
    const options = ["--image=edge-app:latest", "--image-pull-policy=IfNotPresent", "--profile=sysadmin"];
    const debug = ["debug", "-it", `node/${nodeName}`, ...options, "--", "sh", "-c", script];
    const ended = await kubectl.typeInto("go\n", ...debug);
    assert.equal(ended.status, 0, ended.stdout);
    const processOne = (await machine.run("cat", "/proc/1/comm")).stdout.trim();
    assert.ok(ended.stdout.includes(`${processOne}\r\n/host${machine.home}\r\n`), ended.stdout);
  });

  test("the cloud's packet filter has the rules that it had before", async () => {
    assert.equal(await packetFilterRules(), rulesBefore);
  });
});
