// A second machine joins with what `skerry token` prints; the tests build on each other.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findSystemParts } from "../packages/skerry/src/systemparts/system-parts.ts";
import { CloudAndMachine } from "./support/cloud-and-machine.ts";
import { type Installation, root } from "./support/installation.ts";
import { run } from "./support/run.ts";
import type { SecondMachine } from "./support/second-machine.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-2";

describe("a second machine", () => {
  let both: CloudAndMachine;
  let cloud: Installation;
  let machine: SecondMachine;
  let folder: string;
  /** The edgecore.yaml that the machine joined with. */
  let file: string;

  before(async () => {
    both = await CloudAndMachine.create("cloud");
    ({ cloud, machine, folder } = both);
  });
  after(() => both.dispose());

  test("`skerry token` names the cloud's address, and `skerry join` makes the machine a node, Ready", async () => {
    assert.doesNotMatch(await both.cloudAddress(), /^127\./);
    file = await both.join();
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
    assert.equal((await cloud.kubectlWith(deploymentOn(NODE), "apply", "-f", "-")).status, 0);
    await cloud.kubectlOk("rollout", "status", "deployment/there", "--timeout=120s");
    const { items } = await cloud.get("pods", "-l", "app=there");
    assert.deepEqual(
      items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName),
      [NODE],
    );
    assert.match(await answerOf(machine, items[0].status.podIP), /Hello from the edge/);
    await cloud.kubectlOk("logs", "deployment/there");
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

  test("without the cable, a graceful stop lets pods end in their time, and `skerry up` brings them back", async () => {
    const notes = join(folder, "slow");
    assert.equal((await cloud.kubectlWith(slowPodOn(NODE, folder), "apply", "-f", "-")).status, 0);
    await cloud.kubectlOk("wait", "--for=condition=Ready", "pod/slow", "--timeout=120s");
    await machine.setCable("down");
    await machine.down("--graceful");
    assert.equal(readFileSync(notes, "utf8"), "started\nended\n");
    const started = await machine.skerry("up", "--detach");
    assert.equal(started.status, 0, started.stdout + started.stderr);
    await waitUntil("the app answers without the cloud", async () => {
      const answers = await Promise.all((await podAddresses(machine)).map((address) => answerOf(machine, address)));
      return answers.some((answer) => /Hello from the edge/.test(answer));
    });
    await waitUntil("the other pod runs again too", async () => /ended\nstarted\n$/.test(readFileSync(notes, "utf8")));
  });

  test("with the cable in again, the node is Ready", async () => {
    const before = (await cloud.get("lease", NODE, "-n", "kube-node-lease")).spec.renewTime;
    await machine.setCable("up");
    await machine.run(
      "ip",
      "route",
      "replace",
      `${await both.cloudAddress()}/32`,
      "via",
      machine.address.replace(/2$/, "1"),
    );
    await waitUntil(
      "the node renews its lease",
      async () => (await cloud.get("lease", NODE, "-n", "kube-node-lease")).spec.renewTime > before,
    );
    await cloud.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
    await cloud.kubectlOk("delete", "pod", "slow", "--now");
    await removeDeployment(cloud);
  });

  test("where a containerd runs already, `edgecore --config` alone makes the machine a node", async () => {
    await machine.down();
    const parts = findSystemParts(join(machine.home, "parts"));
    assert.ok(parts);
    const config = join(machine.home, NODE, "containerd", "config.toml");
    const command = [parts.containerd, "--config", config, "--address", "/run/containerd/containerd.sock"];
    const containerd = machine.start("containerd", command, parts.environment);
    const other = join(folder, "third.yaml");
    writeFileSync(other, (await cloud.skerry("token", "--node", "edge-node-3")).stdout, { mode: 0o600 });
    const edgecore = machine.start("edgecore", [join(root, "bin/edgecore"), "--config", other], parts.environment);
    try {
      await waitUntil("the node is Ready", async () => {
        const { status } = await cloud.get("node", "edge-node-3");
        return status.conditions.some(
          (condition: { type: string; status: string }) => condition.type === "Ready" && condition.status === "True",
        );
      });
      assert.equal((await cloud.kubectlWith(deploymentOn("edge-node-3"), "apply", "-f", "-")).status, 0);
      await cloud.kubectlOk("rollout", "status", "deployment/there", "--timeout=120s");
      const { items } = await cloud.get("pods", "-l", "app=there");
      assert.match(await answerOf(machine, items[0].status.podIP), /Hello from the edge/);
    } finally {
      await removeDeployment(cloud);
      for (const program of [edgecore, containerd]) {
        const ended = once(program, "exit");
        program.kill("SIGTERM");
        await ended;
      }
    }
    assert.equal(edgecore.exitCode, 0);
    await machine.run("ip", "link", "delete", await bridgeOf(machine));
  });

  test("keadm's reset, gettoken and join, as KubeEdge's users know them, make it a node with labels", async () => {
    const keadm = join(root, "bin/keadm");
    const reset = await machine.run(keadm, "reset", "--force");
    assert.equal(reset.status, 0, reset.stderr);
    const token = await run([keadm, "gettoken", "--kube-config", cloud.kubeconfig]);
    assert.equal(token.status, 0, token.stderr);
    const addresses = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout);
    const flags = ["-e", addresses.websocket, "-t", token.stdout.trim(), "-s", new URL(addresses.https).port];
    const joined = await machine.run(keadm, "join", ...flags, "-i", "edge-node-4", "-l", "site=harbour");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    await cloud.kubectlOk("wait", "--for=condition=Ready", "node/edge-node-4", "--timeout=120s");
    assert.equal((await cloud.get("node", "edge-node-4")).metadata.labels.site, "harbour");
  });

  test("a revoked node is put out at once; a revoked token is refused, and a new one lets the node in again", async () => {
    const name = "edge-node-4";
    const revoked = await cloud.skerry("node", "revoke", name, "--reason", "lost");
    assert.equal(revoked.status, 0, revoked.stderr);
    const log = join(machine.home, "logs", `edgecore-${name}.log`);
    await waitUntil("the node hears why its session ended", async () =>
      (await machine.run("cat", log)).stdout.includes("CLOUDHUB_NODE_REVOKED"),
    );
    const listed = JSON.parse((await cloud.skerry("node", "list", "-o", "json")).stdout);
    assert.equal(listed.find((node: { name: string }) => node.name === name).reason, "lost");

    assert.equal((await machine.run(join(root, "bin/keadm"), "reset", "--force")).status, 0);
    const first = JSON.parse((await cloud.skerry("token", "--node", name, "-o", "json")).stdout);
    assert.equal((await cloud.skerry("token", "revoke", first.id)).status, 0);
    const refused = await machine.skerry("join", first.token, "--detach");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^ENROLMENT_REFUSED: .*PKI_TOKEN_REVOKED/);

    const second = JSON.parse((await cloud.skerry("token", "--node", name, "-o", "json")).stdout);
    const joined = await machine.skerry("join", second.token, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    await waitUntil("the node renews its lease under its new certificate", async () => {
      const { status } = await cloud.get("node", name);
      const ready = status.conditions.find(({ type }: { type: string }) => type === "Ready");
      const { spec } = await cloud.get("lease", name, "-n", "kube-node-lease");
      return ready.status === "True" && Date.parse(spec.renewTime) > Date.parse(first.expiresAt) - 86_400_000;
    });
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

/** Takes longer to end than a stop without `--graceful` gives it, and notes in `folder` what it does. */
function slowPodOn(node: string, folder: string): string {
  const note = (what: string): string => `echo ${what} >> /notes/slow`;
  const container = {
    name: "slow",
    image: "edge-app:latest",
    imagePullPolicy: "IfNotPresent",
    command: [
      "sh",
      "-c",
      `trap 'sleep 5; ${note("ended")}; exit' TERM; ${note("started")}; while :; do sleep 0.2; done`,
    ],
    volumeMounts: [{ name: "notes", mountPath: "/notes" }],
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "slow" },
    spec: {
      nodeSelector: { "kubernetes.io/hostname": node },
      containers: [container],
      volumes: [{ name: "notes", hostPath: { path: folder } }],
    },
  });
}

function deploymentOn(node: string): string {
  const labels = { app: "there" };
  const container = { name: "web", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "there" },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { nodeSelector: { "kubernetes.io/hostname": node }, containers: [container] },
      },
    },
  });
}

async function removeDeployment(cloud: Installation): Promise<void> {
  await cloud.kubectlOk("delete", "deployment", "there", "--timeout=120s");
  await cloud.kubectlOk("wait", "--for=delete", "pod", "-l", "app=there", "--timeout=120s");
}

/** The name of the pods' bridge, which nobody's `skerry down` removes when EdgeCore runs alone. */
async function bridgeOf(machine: SecondMachine): Promise<string> {
  const interfaces = (await machine.run("ip", "-brief", "link", "show", "type", "bridge")).stdout;
  return interfaces.split(/\s/)[0] ?? "";
}

async function answerOf(machine: SecondMachine, address: string): Promise<string> {
  const script = "const answer = await fetch(process.argv[1]); console.log(await answer.text());";
  const ended = await machine.run("node", "--input-type=module", "-e", script, `http://${address}:8080/`);
  return ended.stdout;
}

/** The pods' addresses, as the machine's own network plugin notes them. */
async function podAddresses(machine: SecondMachine): Promise<readonly string[]> {
  const folder = join(machine.home, NODE, "network", "addresses");
  const listed = await machine.run("find", folder, "-name", "10.*", "-printf", "%f\n");
  return listed.stdout.split("\n").filter((address) => address !== "");
}
