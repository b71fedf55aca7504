// A second machine joins with what `skerry token` prints; the tests build on each other.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { SecondMachine } from "./support/second-machine.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-2";

describe("a second machine", () => {
  let cloud: Installation;
  let machine: SecondMachine;
  let folder: string;
  let file: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skerry-join-"));
    file = join(folder, "edgecore.yaml");
    cloud = await Installation.create("cloud");
    machine = await SecondMachine.create([cloud.home]);
    await cloud.up();
  });
  after(async () => {
    try {
      await machine.dispose();
    } finally {
      await cloud.dispose();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test("`skerry token` names the cloud's address, and `skerry join` makes the machine a node, Ready", async () => {
    const addresses = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout);
    const address = addresses.websocket.split(":")[0];
    assert.doesNotMatch(address, /^127\./);
    await machine.routeTo(address);
    writeFileSync(file, (await cloud.skerry("token")).stdout, { mode: 0o600 });
    const joined = await machine.skerry("join", file, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    await cloud.kubectlOk("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s");
    const lines = (await cloud.kubectlOk("get", "nodes", "--no-headers")).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(/\s+/).slice(0, 3)),
      [
        ["edge-node-1", "Ready", "agent,edge"],
        [NODE, "Ready", "agent,edge"],
      ],
    );
    const { status } = await cloud.get("node", NODE);
    const own = status.addresses.find(({ type }: { type: string }) => type === "InternalIP").address;
    assert.equal(own, machine.address);
  });

  test("a deployment that selects the machine runs on it", async () => {
    const labels = { app: "there" };
    const container = { name: "web", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "there" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { nodeSelector: { "kubernetes.io/hostname": NODE }, containers: [container] },
        },
      },
    };
    assert.equal((await cloud.kubectlWith(JSON.stringify(deployment), "apply", "-f", "-")).status, 0);
    await cloud.kubectlOk("rollout", "status", "deployment/there", "--timeout=120s");
    const { items } = await cloud.get("pods", "-l", "app=there");
    assert.deepEqual(
      items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName),
      [NODE],
    );
    assert.match(await answerOf(machine, items[0].status.podIP), /Hello from the edge/);
  });

  test("what needs the cloud says there that it is elsewhere, and `skerry status` shows the node's parts", async () => {
    for (const command of ["token", "demo"]) {
      const ended = await machine.skerry(command);
      assert.equal(ended.status, 1);
      assert.match(ended.stderr, /^SKERRY_CLOUD_ELSEWHERE: .*\n.+/);
    }
    const status = JSON.parse((await machine.skerry("status", "-o", "json")).stdout);
    const names = status.parts.map(({ name }: { name: string }) => name.split(" ")[0]);
    assert.deepEqual(names, ["containerd", "mosquitto", "edgecore"]);
    assert.equal(status.kubeconfig, undefined);
  });

  test("without the cable, a stop and `skerry up` bring the app back; with it, the node is Ready again", async () => {
    await machine.setCable("down");
    assert.equal((await machine.skerry("down")).status, 0);
    const started = await machine.skerry("up", "--detach");
    assert.equal(started.status, 0, started.stdout + started.stderr);
    await waitUntil("the app answers without the cloud", async () => {
      const address = await appAddress(machine);
      return address !== undefined && /Hello from the edge/.test(await answerOf(machine, address));
    });
    const before = (await cloud.get("lease", NODE, "-n", "kube-node-lease")).spec.renewTime;
    await machine.setCable("up");
    const cloudAddress = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout).websocket.split(":")[0];
    await machine.run("ip", "route", "replace", `${cloudAddress}/32`, "via", machine.address.replace(/2$/, "1"));
    await waitUntil(
      "the node renews its lease",
      async () => (await cloud.get("lease", NODE, "-n", "kube-node-lease")).spec.renewTime > before,
    );
    await cloud.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
    await cloud.kubectlOk("delete", "deployment", "there", "--timeout=120s");
    await cloud.kubectlOk("wait", "--for=delete", "pod", "-l", "app=there", "--timeout=120s");
  });

  test("a folder with a cloud of its own cannot join, and an edgecore.yaml without a token is refused", async () => {
    const refused = await cloud.skerry("join", file);
    assert.match(refused.stderr, /^SKERRY_HAS_CLOUD: .*\n.+/);
    const bare = join(folder, "bare.yaml");
    writeFileSync(bare, "apiVersion: edgecore.config.kubeedge.io/v1alpha2\nkind: EdgeCore\n");
    const ended = await cloud.skerry("join", bare);
    assert.match(ended.stderr, /^SKERRY_CONFIG_UNREADABLE: .*token.*\n.+/);
  });
});

async function answerOf(machine: SecondMachine, address: string): Promise<string> {
  const script = "const answer = await fetch(process.argv[1]); console.log(await answer.text());";
  const ended = await machine.run("node", "--input-type=module", "-e", script, `http://${address}:8080/`);
  return ended.stdout;
}

/** The app's address, as the machine's own containers tell it: the neighbours on the pods' bridge. */
async function appAddress(machine: SecondMachine): Promise<string | undefined> {
  const folder = join(machine.home, NODE, "network", "addresses");
  const listed = await machine.run("find", folder, "-name", "10.*", "-printf", "%f\n");
  return listed.stdout.trim().split("\n")[0] || undefined;
}
