// The clock of an edge machine that is set while EdgeCore runs, as NTP does on a machine whose battery is empty. Only
// the edge's processes see it (libfaketime); the cloud's clock stays right.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Installation, root } from "../support/installation.ts";
import { SecondMachine } from "../support/second-machine.ts";
import { SettableClock } from "../support/settable-clock.ts";
import { waitUntil } from "../support/wait-until.ts";

const NODE = "edge-node-2";
const HOUR_MS = 3_600_000;

suite("an edge machine's clock that is set", { concurrency: false }, () => {
  let cloud: Installation;
  let machine: SecondMachine;
  let folder: string;
  let clock: SettableClock;
  let broker: string;
  let values = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skerry-clock-"));
    cloud = await Installation.create("clock");
    machine = await SecondMachine.create({ hidden: [cloud.home] });
    clock = await SettableClock.create(folder, machine);
    await cloud.up("--no-node");
    const address = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout).websocket.split(":")[0];
    await machine.routeTo(address);
    const file = join(folder, "edgecore.yaml");
    writeFileSync(file, (await cloud.skerry("token", "--node", NODE)).stdout, { mode: 0o600 });
    const joined = await clock.skerry("join", file, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    const applied = await cloud.kubectlWith(WORKLOAD, "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await cloud.kubectlOk("rollout", "status", "deployment/app", "--timeout=120s");
    broker = `mqtt://127.0.0.1:1883`;
    await report();
  });
  after(async () => {
    try {
      await machine?.dispose();
    } finally {
      await cloud.dispose();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [name, offset, offsetMs] of [
    ["a day forward", "+1d", 24 * HOUR_MS],
    ["two hours back", "-2h", -2 * HOUR_MS],
    ["right again", "+0", 0],
  ] as const)
    test(`${name}: the session goes on, what is changed arrives on both sides, no container is touched`, async () => {
      const untouched = await containers();
      clock.set(offset);
      await waitUntil("the edge has the clock, and says so with its values", async () => {
        const reportedMs = await report();
        return Math.abs(reportedMs - offsetMs - Date.now()) < HOUR_MS / 2;
      });
      await configMapArrives();
      await cloud.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
      assert.deepEqual(await containers(), untouched);
      const expected = offsetMs === 0 ? undefined : "WHY_NODE_CLOCK";
      await waitUntil(`\`skerry why node\` says ${expected ?? "that all is well"}`, async () => {
        const { stdout } = await cloud.skerry("why", "node", NODE, "-o", "json");
        const { steps } = JSON.parse(stdout) as { steps: { state: string; code?: string }[] };
        return steps.find(({ state }) => state !== "whole")?.code === expected;
      });
    });

  /** Reports a new value at the edge, waits until the Device shows it, and returns when that was by the edge's clock. */
  async function report(): Promise<number> {
    const value = String(++values);
    const message = JSON.stringify({ event_id: value, twin: { level: { actual: { value } } } });
    const published = await machine.run(process.execPath, "--input-type=module", "-e", PUBLISH, broker, TOPIC, message);
    assert.equal(published.status, 0, published.stderr);
    return waitUntil(`the value ${value} is in the Device`, async () => {
      const reported = (await cloud.get("device", "probe")).status?.twins?.[0]?.reported;
      return reported?.value === value && Number(reported.metadata.timestamp);
    });
  }

  /** Changes the app's ConfigMap and waits until the app has it. */
  async function configMapArrives(): Promise<void> {
    const text = `text ${++values}`;
    await cloud.kubectlOk("patch", "configmap", "words", "-p", JSON.stringify({ data: { text } }));
    await waitUntil(`the app has "${text}"`, async () => {
      const { stdout } = await cloud.kubectl("exec", "deployment/app", "--", "cat", "/words/text");
      return stdout === text;
    });
  }

  async function containers(): Promise<unknown> {
    const { items } = await cloud.get("pods", "-l", "app=app");
    return items.map(({ metadata, status }: Pod) => [metadata.uid, status.containerStatuses]);
  }
});

interface Pod {
  readonly metadata: { readonly uid: string };
  readonly status: { readonly containerStatuses: readonly object[] };
}

const TOPIC = "$hw/events/device/default/probe/twin/update";
const PUBLISH = `
import { connectAsync } from ${JSON.stringify(pathToFileURL(join(root, "node_modules/mqtt/build/index.js")).href)};
const [url, topic, message] = process.argv.slice(1);
const client = await connectAsync(url);
await client.publishAsync(topic, message, { qos: 1 });
await client.endAsync();`;

const labels = { app: "app" };
const probe = { name: "probe", namespace: "default" };
const WORKLOAD = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "words" }, data: { text: "none" } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "app" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: "web",
                image: "edge-app:latest",
                imagePullPolicy: "IfNotPresent",
                volumeMounts: [{ name: "words", mountPath: "/words" }],
              },
            ],
            volumes: [{ name: "words", configMap: { name: "words" } }],
          },
        },
      },
    },
    {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "DeviceModel",
      metadata: probe,
      spec: { protocol: "mqtt", properties: [{ name: "level", type: "INT", accessMode: "ReadWrite" }] },
    },
    {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "Device",
      metadata: probe,
      spec: {
        deviceModelRef: { name: "probe" },
        nodeName: NODE,
        protocol: { protocolName: "mqtt" },
        properties: [{ name: "level", reportToCloud: true }],
      },
    },
  ],
});
