// Devices over a cut link: every sample is in the cloud afterwards, once and in order, and what both sides wanted meanwhile
// has come together.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openReadOnly } from "@skerry/store/platform";
import mqtt, { type MqttClient } from "mqtt";
import { Installation } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const RATE = 100;
/** Five minutes for who has the time: SKERRY_E2E_LONG=1. */
const CUT_MS = process.env["SKERRY_E2E_LONG"] ? 5 * 60_000 : 10_000;
const ORDERED = "SELECT sequence, value FROM telemetry_sample ORDER BY stream_id, sequence";

const device = `
apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata: {name: gauge, namespace: default}
spec:
  properties:
    - {name: level, type: INT, accessMode: ReadOnly}
---
apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata: {name: gauge-1, namespace: default}
spec:
  deviceModelRef: {name: gauge}
  nodeName: ${NODE}
  properties:
    - {name: level}
`;

/** Each property with another rule for what both sides want. */
const valve = `
apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata: {name: valve, namespace: default}
spec:
  properties:
    - {name: newest, type: INT, accessMode: ReadWrite}
    - {name: clouds, type: INT, accessMode: ReadWrite}
    - {name: edges, type: INT, accessMode: ReadWrite}
---
apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata:
  name: valve-1
  namespace: default
  annotations: {skerry.io/conflict: "newest, clouds=cloud, edges=edge"}
spec:
  deviceModelRef: {name: valve}
  nodeName: ${NODE}
  properties:
    - {name: newest, desired: {value: "1"}}
    - {name: clouds, desired: {value: "1"}}
    - {name: edges, desired: {value: "1"}}
`;

let skerry: Installation;
let client: MqttClient;

before(async () => {
  skerry = await Installation.create("samples");
  await skerry.up("--no-examples");
  const applied = await skerry.kubectlWith(device, "apply", "-f", "-");
  assert.equal(applied.status, 0, applied.stderr);
  client = await mqtt.connectAsync(`mqtt://127.0.0.1:${skerry.ports.mqtt}`);
});

after(async () => {
  await client?.endAsync();
  await skerry?.dispose();
});

/** Waits until the node answers for the device: before that its updates are refused. */
async function deviceKnown(): Promise<void> {
  const root = "$hw/events/device/default/gauge-1/twin/get";
  let isKnown = false;
  client.on("message", (topic, payload) => {
    if (topic === `${root}/result` && !payload.toString().includes('"code"')) isKnown = true;
  });
  await client.subscribeAsync(`${root}/result`);
  await waitUntil("the device is on the node", async () => {
    await client.publishAsync(root, "{}");
    return isKnown;
  });
}

/** Accepted values, in the order in which they were sent. */
async function report(first: number, count: number): Promise<void> {
  const root = "$hw/events/device/default/gauge-1/twin/update";
  const answered = new Map<string, () => void>();
  const onMessage = (_topic: string, payload: Buffer): void => {
    const { event_id: id, code } = JSON.parse(payload.toString()) as { event_id: string; code?: number };
    if (code === undefined) answered.get(id)?.();
  };
  client.on("message", onMessage);
  await client.subscribeAsync(`${root}/result`, { qos: 1 });
  const all: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let index = 0; index < count; index++) {
    const value = String(first + index);
    all.push(new Promise((resolve) => answered.set(value, resolve)));
    await client.publishAsync(root, JSON.stringify({ event_id: value, twin: { level: { actual: { value } } } }), {
      qos: 1,
    });
    await delay(Math.max(0, ((index + 1) / RATE) * 1000 - (performance.now() - beganMs)));
  }
  await Promise.all(all);
  client.off("message", onMessage);
}

function stored(): { sequence: number; value: string }[] {
  using database = openReadOnly(join(skerry.home, "cloudcore", "telemetry.db"));
  return database.read((reader) =>
    reader.all(ORDERED).map(({ sequence, value }) => ({ sequence: Number(sequence), value: String(value) })),
  );
}

test("samples made while the link was cut are in the cloud after it, once each and in order", async () => {
  await deviceKnown();
  const cutCount = (CUT_MS / 1000) * RATE;
  await report(1, RATE);
  assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
  await report(RATE + 1, cutCount);
  // Without the link the node itself answers.
  const offline = await skerry.skerry("data", "gauge-1", "level", "--at", "edge", "--limit", "3", "-o", "csv");
  assert.equal(offline.status, 0, offline.stderr);
  assert.match(offline.stdout, new RegExp(`,${RATE + cutCount},`));
  assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
  const total = RATE + cutCount;
  await waitUntil("all samples are in the cloud", async () => stored().length >= total);
  assert.deepEqual(
    stored(),
    Array.from({ length: total }, (_, index) => ({ sequence: index + 1, value: String(index + 1) })),
  );
  const online = await skerry.skerry("data", "gauge-1", "level", "--limit", "2", "-o", "json");
  assert.deepEqual(
    (JSON.parse(online.stdout) as { value: string }[]).map(({ value }) => value),
    [String(total - 1), String(total)],
  );
  // The newest value is in the API too, though no sample went there.
  await waitUntil("the API has the newest value", async () => {
    const status = await skerry.get("devicestatus", "gauge-1");
    return status.status?.twins?.[0]?.reported?.value === String(total);
  });
});

/** What of valve-1 is in the API: by property the wanted value that the node follows, its owner and the reported value. */
async function valveStatus(): Promise<Record<string, readonly (string | undefined)[]>> {
  const { status } = await skerry.get("devicestatus", "valve-1").catch(() => ({ status: {} }));
  interface Twin {
    readonly propertyName: string;
    readonly observedDesired?: { readonly value: string; readonly metadata: { readonly owner?: string } };
    readonly reported?: { readonly value: string };
  }
  const twins: Twin[] = status?.twins ?? [];
  return Object.fromEntries(
    twins.map(({ propertyName, observedDesired, reported }) => [
      propertyName,
      [observedDesired?.value, observedDesired?.metadata.owner, reported?.value],
    ]),
  );
}

/** A client on the node wants a value and reports another; returns the code of the refusal. */
async function updateValve(property: string, side: "expected" | "actual", value: string): Promise<number | undefined> {
  const root = "$hw/events/device/default/valve-1/twin/update";
  await client.subscribeAsync(`${root}/result`, { qos: 1 });
  const id = `${property} ${side}`;
  const answer = new Promise<number | undefined>((resolve) => {
    const onMessage = (topic: string, payload: Buffer): void => {
      if (topic !== `${root}/result`) return;
      const { event_id: answered, code } = JSON.parse(payload.toString()) as { event_id: string; code?: number };
      if (answered !== id) return;
      client.off("message", onMessage);
      resolve(code);
    };
    client.on("message", onMessage);
  });
  await client.publishAsync(root, JSON.stringify({ event_id: id, twin: { [property]: { [side]: { value } } } }));
  return await answer;
}

test("what both sides wanted while the link was cut comes together by the declared rules, and who lost is told", async () => {
  assert.equal((await skerry.kubectlWith(valve, "apply", "-f", "-")).status, 0);
  const clouds = ["1", "cloud", undefined];
  await waitUntil("the node follows the Device", async () => {
    const { newest, clouds: second, edges } = await valveStatus();
    return [newest, second, edges].every((each) => JSON.stringify(each) === JSON.stringify(clouds));
  });
  assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
  const wanted = [0, 1, 2].map((index) => ({
    op: "replace",
    path: `/spec/properties/${index}/desired`,
    value: { value: "2" },
  }));
  await skerry.kubectlOk("patch", "device", "valve-1", "--type=json", "-p", JSON.stringify(wanted));
  assert.equal(await updateValve("newest", "expected", "3"), undefined);
  assert.equal(await updateValve("edges", "expected", "3"), undefined);
  assert.equal(await updateValve("clouds", "expected", "3"), 409, "the Device's wish counts alone");
  assert.equal(await updateValve("newest", "actual", "3"), undefined);
  assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
  await waitUntil("both sides have come together", async () => {
    const expected = { newest: ["2", "cloud", "3"], clouds: ["2", "cloud", null], edges: ["3", "edge", null] };
    const { newest, clouds: second, edges } = await valveStatus();
    return JSON.stringify({ newest, clouds: second, edges }) === JSON.stringify(expected);
  });
  const told = async (): Promise<string[]> => {
    const { items } = await skerry.get("events", "--field-selector", "involvedObject.name=valve-1");
    return items.map(({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`);
  };
  for (const notice of [
    /^EdgeValueReplaced: Property newest: "2" of the Device has replaced "3"/,
    /^DesiredValueNotFollowed: Property edges: the node follows "3".* not "2" of the Device/,
  ])
    await waitUntil(`an Event like ${notice}`, async () => (await told()).some((text) => notice.test(text)));
});
