// The issue's story on one installation, step by step with stock kubectl; the tests build on each other.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connectAsync, type MqttClient } from "mqtt";
import { pauseImage } from "../packages/skerry/src/images/builtin-images.ts";
import { writeOciArchive } from "../packages/skerry/src/images/oci-archive.ts";
import { pauseProgram } from "../packages/skerry/src/images/pause-program.ts";
import { writeTar } from "../packages/skerry/src/images/tar-writer.ts";
import { freePorts } from "./support/free-ports.ts";
import { Installation, root } from "./support/installation.ts";
import { type MachineState, machineState } from "./support/machine.ts";
import { run } from "./support/run.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const architecture = process.arch === "arm64" ? "arm64" : "x64";
const manifest = join(root, "examples/app/deployment.yaml");

describe("a fresh installation", () => {
  let skerry: Installation;
  let untouched: MachineState;

  before(async () => {
    skerry = await Installation.create("story");
    untouched = machineState(skerry.home);
  });
  after(async () => {
    await skerry.dispose();
    const left = machineState(skerry.home);
    assert.deepEqual({ ...left, shared: undefined }, { mounts: [], processes: [], interfaces: [], shared: undefined });
    if (untouched.shared && left.shared) assert.deepEqual(left.shared, untouched.shared);
  });

  test("`skerry up --detach` ends with all ready and says what to do next", async () => {
    const { stdout } = await skerry.up();
    assert.match(stdout, /export KUBECONFIG=/);
    assert.equal((await skerry.skerry("status")).status, 0);
  });

  test("kubectl shows the node Ready with the roles agent and edge", async () => {
    const line = (await skerry.kubectlOk("get", "nodes", "--no-headers")).trim();
    assert.match(line, /^edge-node-1\s+Ready\s+agent,edge\s/);
    const node = await skerry.get("node", NODE);
    const address = node.status.addresses.find(({ type }: { type: string }) => type === "InternalIP").address;
    assert.doesNotMatch(address, /^127\./);
  });

  test("a second start in the same home is refused with a code", async () => {
    const second = await skerry.skerry("up", "--detach");
    assert.equal(second.status, 1);
    assert.match(second.stderr, /^SKERRY_ALREADY_RUNNING: /);
    assert.doesNotMatch(second.stderr, /\bat .*\.ts:\d+/);
  });

  test("the example app is 1/1, a real container, and answers on 8080", async () => {
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
    assert.match(await skerry.kubectlOk("get", "deployment", "edge-app", "--no-headers"), /^edge-app\s+1\/1\s/);
    const { items } = await skerry.get("pods", "-l", "app=edge-app");
    const page = await fetch(`http://${items[0].status.podIP}:8080/`);
    assert.match(await page.text(), /Hello from the edge/);
    const id = items[0].status.containerStatuses[0].containerID.replace("containerd://", "");
    const tasks = readFileSync(`/proc/${await firstProcess(skerry, id)}/cgroup`, "utf8");
    assert.match(tasks, new RegExp(id.slice(0, 12)));
    // As the kubelet has it, in either version of control groups.
    assert.match(tasks, new RegExp(`/kubepods/(burstable/|besteffort/)?pod${items[0].metadata.uid}/${id}`));
  });

  test("kubectl apply of the same manifest says unchanged", async () => {
    assert.match(await skerry.kubectlOk("apply", "-f", manifest), /unchanged/);
  });

  test("kubectl's everyday commands work", async () => {
    await skerry.kubectlOk("scale", "deployment/edge-app", "--replicas=2");
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
    assert.match(await skerry.kubectlOk("describe", "deployment", "edge-app"), /2 available/);
    assert.match(await skerry.kubectlOk("describe", "node", NODE), /edge-app/);
    await skerry.kubectlOk("label", "deployment/edge-app", "tested=first");
    await skerry.kubectlOk("patch", "deployment", "edge-app", "-p", '{"metadata":{"annotations":{"a":"b"}}}');
    const editor = join(skerry.home, "editor");
    writeFileSync(editor, "#!/bin/sh\nexec sed -i 's/tested: first/tested: edited/' \"$1\"\n", { mode: 0o755 });
    const edited = await run(["kubectl", "--kubeconfig", skerry.kubeconfig, "edit", "deployment", "edge-app"], {
      environment: { KUBE_EDITOR: editor },
    });
    assert.equal(edited.status, 0, edited.stderr);
    assert.equal((await skerry.get("deployment", "edge-app")).metadata.labels.tested, "edited");
    await skerry.kubectlOk("rollout", "restart", "deployment/edge-app");
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
    await skerry.kubectlOk("scale", "deployment/edge-app", "--replicas=1");
    await skerry.kubectlOk("wait", "--for=condition=Available", "deployment/edge-app", "--timeout=120s");
    await waitUntil("one pod is left", async () => (await skerry.get("pods", "-l", "app=edge-app")).items.length === 1);
    await skerry.kubectlOk("delete", "pod", "-l", "app=edge-app", "--timeout=120s");
    await skerry.kubectlOk("wait", "--for=condition=Available", "deployment/edge-app", "--timeout=120s");
  });

  test("a hostPort answers on the node's addresses, or only on its hostIP, and leaves with its pod", async () => {
    const [hostPort = 0, localPort = 0] = await freePorts(2);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "host-port" },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": NODE },
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "web",
            image: "edge-app:latest",
            imagePullPolicy: "IfNotPresent",
            ports: [
              { containerPort: 8080, hostPort },
              { name: "local", containerPort: 8080, hostPort: localPort, hostIP: "127.0.0.1" },
            ],
          },
        ],
      },
    };
    assert.equal((await skerry.kubectlWith(JSON.stringify(pod), "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/host-port", "--timeout=120s");
    const { status } = await skerry.get("pod", "host-port");
    // In each family that the pod has.
    const urls = status.hostIPs
      .slice(0, status.podIPs.length)
      .map(({ ip }: { ip: string }) => `http://${ip.includes(":") ? `[${ip}]` : ip}:${hostPort}/`);
    assert.notEqual(urls.length, 0);
    urls.push(`http://127.0.0.1:${localPort}/`);
    for (const url of urls) assert.equal((await fetch(url)).status, 200, url);
    await assert.rejects(fetch(`http://${status.hostIP}:${localPort}/`, { signal: AbortSignal.timeout(2_000) }));
    await skerry.kubectlOk("delete", "pod", "host-port", "--timeout=120s");
    for (const url of urls) await assert.rejects(fetch(url, { signal: AbortSignal.timeout(2_000) }), url);
  });

  test("`skerry image load` takes docker and OCI archives, and pods run from them", async () => {
    const layer = writeTar([{ kind: "file", path: "pause", content: pauseProgram(architecture), mode: 0o755 }]);
    const digest = createHash("sha256").update(layer).digest("hex");
    const config = {
      architecture: architecture === "x64" ? "amd64" : "arm64",
      os: "linux",
      config: { Entrypoint: ["/pause"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    };
    const manifest = [{ Config: "config.json", RepoTags: ["from-docker:1"], Layers: ["layer.tar"] }];
    const files = { "config.json": config, "manifest.json": manifest };
    const docker = writeTar([
      ...Object.entries(files).map(([path, value]) => ({
        kind: "file" as const,
        path,
        content: Buffer.from(JSON.stringify(value)),
      })),
      { kind: "file", path: "layer.tar", content: layer },
    ]);
    const oci = writeOciArchive({ ...pauseImage(architecture), reference: "docker.io/library/from-oci:1" });
    for (const [name, archive] of Object.entries({ "from-docker": docker, "from-oci": oci })) {
      const file = join(skerry.home, `${name}.tar`);
      writeFileSync(file, archive);
      const loaded = await skerry.skerry("image", "load", file);
      assert.equal(loaded.status, 0, loaded.stderr);
      assert.match(loaded.stdout, new RegExp(`docker.io/library/${name}:1`));
      await skerry.kubectlOk("run", name, `--image=${name}:1`, "--image-pull-policy=Never");
      await skerry.kubectlOk("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
    }
    await skerry.kubectlOk("delete", "pod", "from-docker", "from-oci", "--grace-period=1", "--timeout=120s");
  });

  test("a device's first value reaches its Device, and a desired value reaches MQTT", async () => {
    const mqtt = await connectAsync(`mqtt://127.0.0.1:${skerry.ports.mqtt}`);
    try {
      await deviceRoundTrip(skerry, mqtt);
    } finally {
      await mqtt.endAsync(true);
    }
  });

  test("EdgeCore killed with -9 comes back without restarting a container", async () => {
    const { items } = await skerry.get("pods", "-l", "app=edge-app");
    const status = JSON.parse((await skerry.skerry("status", "-o", "json")).stdout);
    const edgecore = status.parts.find(({ name }: { name: string }) => name === `edgecore ${NODE}`);
    process.kill(edgecore.processId, "SIGKILL");
    await waitUntil("EdgeCore runs again", async () => {
      const now = JSON.parse((await skerry.skerry("status", "-o", "json")).stdout);
      const part = now.parts.find(({ name }: { name: string }) => name === `edgecore ${NODE}`);
      return part.state.kind === "running" && part.processId !== edgecore.processId;
    });
    await skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
    const again = await skerry.get("pods", "-l", "app=edge-app");
    assert.equal(
      again.items[0].status.containerStatuses[0].containerID,
      items[0].status.containerStatuses[0].containerID,
    );
  });

  test("`skerry demo` walks the story: cut, crashes, changes on both sides, reconnect", async () => {
    const demo = await skerry.skerry("demo");
    assert.equal(demo.status, 0, `${demo.stdout}${demo.stderr}${skerry.logs()}`);
    assert.match(demo.stdout, /Each step held/);
  });

  test("a stop and a start bring back what was there, the app with it", async () => {
    assert.equal((await skerry.skerry("down")).status, 0);
    await skerry.up();
    await skerry.kubectlOk("wait", "--for=condition=Available", "deployment/edge-app", "--timeout=120s");
    await waitUntil("the app answers", async () => {
      const { items } = await skerry.get("pods", "-l", "app=edge-app");
      return (await fetch(`http://${items[0].status.podIP}:8080/`)).status === 200;
    });
  });
});

/** The process id of a container's first process, by its id on a command line of its shim's children. */
async function firstProcess(skerry: Installation, id: string): Promise<number> {
  const listed = await skerry.skerry("status", "-o", "json");
  assert.equal(listed.status, 0);
  const found = await run(["sh", "-c", 'grep -l "$1" /proc/[0-9]*/cgroup 2>/dev/null | head -1', "sh", id]);
  const processId = /\/proc\/(\d+)\//.exec(found.stdout)?.[1];
  assert.ok(processId, `a process of container ${id} runs`);
  return Number(processId);
}

async function deviceRoundTrip(skerry: Installation, mqtt: MqttClient): Promise<void> {
  const topic = "$hw/events/device/default/probe";
  const messages: { topic: string; body: { twin?: object; delta?: Record<string, string> } }[] = [];
  mqtt.on("message", (at, payload) => messages.push({ topic: at, body: JSON.parse(String(payload)) }));
  await mqtt.subscribeAsync([`${topic}/twin/get/result`, `${topic}/twin/update/delta`]);
  const apiVersion = "devices.kubeedge.io/v1beta1";
  const metadata = { name: "probe", namespace: "default" };
  const objects = [
    {
      apiVersion,
      kind: "DeviceModel",
      metadata,
      spec: { protocol: "mqtt", properties: [{ name: "level", type: "INT", accessMode: "ReadWrite" }] },
    },
    {
      apiVersion,
      kind: "Device",
      metadata,
      spec: {
        deviceModelRef: { name: "probe" },
        nodeName: NODE,
        protocol: { protocolName: "mqtt" },
        properties: [{ name: "level", reportToCloud: true }],
      },
    },
  ];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const applied = await skerry.kubectlWith(list, "apply", "-f", "-");
  assert.equal(applied.status, 0, applied.stderr);
  await waitUntil("the edge knows the device", async () => {
    await mqtt.publishAsync(`${topic}/twin/get`, JSON.stringify({ event_id: "1", timestamp: Date.now() }));
    return messages.some(({ topic: at, body }) => at.endsWith("get/result") && body.twin !== undefined);
  });
  const report = { event_id: "2", timestamp: Date.now(), twin: { level: { actual: { value: "7" } } } };
  await mqtt.publishAsync(`${topic}/twin/update`, JSON.stringify(report));
  await waitUntil("the first value is in the Device", async () => {
    const device = await skerry.get("device", "probe");
    return device.status?.twins?.[0]?.reported?.value === "7";
  });
  const patch = [{ op: "add", path: "/spec/properties/0/desired", value: { value: "9" } }];
  await skerry.kubectlOk("patch", "device", "probe", "--type=json", "-p", JSON.stringify(patch));
  await waitUntil("the delta is on MQTT", async () =>
    messages.some(({ topic: at, body }) => at.endsWith("/delta") && body.delta?.["level"] === "9"),
  );
}
