// Devices in the shapes of KubeEdge's public examples (counter, temperature sensor over Modbus TCP and RTU), written anew
// here: they apply unchanged, their values arrive, desired values and methods reach the device. Needs socat for the RTU line.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { server as servers } from "jsmodbus";
import mqtt from "mqtt";
import { freePorts } from "./support/free-ports.ts";
import { Installation, root } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const API = "devices.kubeedge.io/v1beta1";

const temperatureModel = {
  apiVersion: API,
  kind: "DeviceModel",
  metadata: { name: "temperature-model", namespace: "default" },
  spec: {
    protocol: "modbus",
    properties: [
      { name: "temperature", type: "FLOAT", accessMode: "ReadWrite", minimum: "0", maximum: "100.0", unit: "Celsius" },
      { name: "temperature-switch", type: "INT", accessMode: "ReadWrite" },
    ],
  },
};

function temperatureDevice(name: string, configData: object, cycle: number): object {
  const common = { collectCycle: cycle, reportCycle: cycle, reportToCloud: true };
  const visitors = (keys: object): object => ({ visitors: { protocolName: "modbus", configData: keys } });
  const register = { offset: 0, limit: 1, isSwap: false, isRegisterSwap: false };
  return {
    apiVersion: API,
    kind: "Device",
    metadata: { name },
    spec: {
      deviceModelRef: { name: "temperature-model" },
      nodeName: NODE,
      protocol: { protocolName: "modbus", configData },
      properties: [
        {
          name: "temperature",
          ...common,
          ...visitors({
            dataType: "float",
            register: "HoldingRegister",
            ...register,
            scale: 0.1,
            max: 100.0,
            min: 1.0,
          }),
        },
        {
          name: "temperature-switch",
          ...common,
          desired: { value: "1" },
          ...visitors({ dataType: "int", register: "CoilRegister", ...register, scale: 1 }),
        },
      ],
      methods: [
        { name: "SwitchControl", description: "", propertyNames: ["temperature-switch"] },
        { name: "UpdateTemperature", description: "", propertyNames: ["temperature"] },
      ],
    },
  };
}

const counterModel = {
  apiVersion: API,
  kind: "DeviceModel",
  metadata: { name: "counter-model", namespace: "default" },
  spec: {
    protocol: "virtualProtocol",
    properties: [
      { name: "status", type: "INT", accessMode: "ReadWrite" },
      { name: "count", type: "INT", accessMode: "ReadWrite" },
    ],
  },
};

const counterDevice = {
  apiVersion: API,
  kind: "Device",
  metadata: { name: "counter-instance", namespace: "default" },
  spec: {
    deviceModelRef: { name: "counter-model" },
    nodeName: NODE,
    protocol: { protocolName: "virtualProtocol", configData: {} },
    properties: ["status", "count"].map((name) => ({
      name,
      visitors: { configData: { name } },
      collectCycle: 500,
      reportCycle: 500,
      reportToCloud: true,
    })),
    methods: [
      { name: "UpdateStatus", description: "0=ON, 1=OFF, 2=PAUSED", propertyNames: ["status"] },
      { name: "SetCount", description: "", propertyNames: ["count"] },
    ],
  },
};

const OLDER = "devices.kubeedge.io/v1alpha2";

/** The shape of the first tutorials: v1alpha2, nodeSelector, wanted and reported values in the status. */
const lampModel = {
  apiVersion: OLDER,
  kind: "DeviceModel",
  metadata: { name: "lamp-model", namespace: "default" },
  spec: {
    properties: [
      { name: "status", description: "counts or not", type: { string: { accessMode: "ReadWrite", defaultValue: "" } } },
      { name: "warmth", description: "read only", type: { string: { accessMode: "ReadOnly", defaultValue: "" } } },
    ],
  },
};

const lampDevice = {
  apiVersion: OLDER,
  kind: "Device",
  metadata: { name: "lamp", labels: { description: "lamp", manufacturer: "test" } },
  spec: {
    deviceModelRef: { name: "lamp-model" },
    nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "", operator: "In", values: [NODE] }] }] },
  },
  status: {
    twins: [
      {
        propertyName: "status",
        desired: { metadata: { type: "string" }, value: "OFF" },
        reported: { metadata: { type: "string" }, value: "0" },
      },
      { propertyName: "warmth", desired: { metadata: { type: "string" }, value: "" } },
    ],
  },
};

/** What a user of KubeEdge writes as a mapper in Go. */
const counterDriver = `
  import { defineDriver, text } from "@skerry/mapper";
  export default defineDriver({
    protocol: "virtualProtocol",
    propertyConfig: { name: text() },
    open: () => ({ status: 0, count: 0 }),
    read(counter, { config }) {
      if (config.name === "count" && counter.status === 0) counter.count += 1;
      return counter[config.name];
    },
    write: (counter, { config }, value) => void (counter[config.name] = value),
  });
`;

describe("devices in the shapes of KubeEdge's examples", () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-kubeedge-devices-"));
  const processes: ChildProcess[] = [];
  const sockets = new Set<Socket>();
  const holding = Buffer.alloc(8);
  const coils = Buffer.alloc(1);
  let skerry: Installation;
  let listener: Server;
  let restPort = 0;

  const start = (...command: readonly string[]): void => {
    const [program = "", ...parameters] = command;
    const child = spawn(program, parameters, {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, SKERRY_HOME: skerry.home },
    });
    processes.push(child);
  };

  before(async () => {
    skerry = await Installation.create("kubeedge-devices");
    await skerry.up("--no-examples");
    listener = createServer((socket) => sockets.add(socket));
    new servers.TCP(listener, { holding, coils });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    [restPort = 0] = await freePorts(1);
    start(join(root, "bin/skerry"), "mapper", "run", "modbus", "--http-port", String(restPort), "--http-open");
    const driver = join(folder, "counter.ts");
    writeFileSync(driver, counterDriver);
    start(join(root, "bin/skerry"), "mapper", "run", driver);
  });

  after(async () => {
    for (const child of processes) child.kill();
    for (const socket of sockets) socket.destroy();
    listener.close();
    await Promise.all(processes.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    await skerry.dispose();
    rmSync(folder, { recursive: true });
  });

  const apply = async (...objects: readonly object[]): Promise<void> => {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const { status, stderr } = await skerry.kubectlWith(JSON.stringify(list), "apply", "-f", "-");
    assert.equal(status, 0, stderr);
  };
  const value = async (device: string, property: string): Promise<string | undefined> => {
    const { status } = await skerry.get("devicestatus", device);
    return status.twins?.find((twin: { propertyName: string }) => twin.propertyName === property)?.reported?.value;
  };

  test("the temperature sensor over Modbus TCP: values, a desired value and a method", async () => {
    holding.writeUInt16BE(213, 0);
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const config = { communicateMode: "TCP", port: String(port), slaveID: 1, ip: "127.0.0.1" };
    await apply(temperatureModel, temperatureDevice("temperature-instance", config, 500));
    await waitUntil(
      "the temperature is scaled",
      async () => (await value("temperature-instance", "temperature")) === "21.3",
    );
    await waitUntil(
      "the switch is on",
      async () => (await value("temperature-instance", "temperature-switch")) === "1",
    );
    assert.equal(coils[0], 1);
    const base = `http://127.0.0.1:${restPort}/api/v1`;
    const read = await fetch(`${base}/device/default/temperature-instance/temperature`);
    const { Data } = (await read.json()) as { readonly Data: { readonly Value: string } };
    assert.equal(Data.Value, "21.3");
    const called = await fetch(`${base}/devicemethod/default/temperature-instance/UpdateTemperature/temperature/22.5`);
    assert.equal(called.status, 200, await called.text());
    assert.equal(holding.readUInt16BE(0), 225);
    await waitUntil(
      "what the method wrote is reported",
      async () => (await value("temperature-instance", "temperature")) === "22.5",
    );
  });

  test("the same sensor on a serial line (RTU), its cycles in nanoseconds", async () => {
    const [line, end] = [join(folder, "ttyS0"), join(folder, "line.sock")];
    start("socat", `pty,rawer,link=${line}`, `unix-listen:${end}`);
    await waitUntil("socat has made the line", async () => existsSync(line) && existsSync(end));
    const wire = connect(end);
    sockets.add(wire);
    await once(wire, "connect");
    const registers = Buffer.alloc(8);
    registers.writeUInt16BE(305, 0);
    // The server takes any stream in place of a serial port.
    new servers.RTU(wire as never, { holding: registers, coils: Buffer.alloc(1) });
    const config = { slaveID: 1, serialPort: line, baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 };
    await apply(temperatureModel, temperatureDevice("rtu-instance", config, 500_000_000));
    await waitUntil("the temperature arrives", async () => (await value("rtu-instance", "temperature")) === "30.5");
    await waitUntil("the switch is on", async () => (await value("rtu-instance", "temperature-switch")) === "1");
  });

  test("a device of v1alpha2 with a mapper that speaks MQTT: applied, switched by a patch, reported", async () => {
    // As the web page and the mapper of KubeEdge's first counter: the mapper hears only `document`, on the older topic.
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${skerry.ports.mqtt}`);
    const topic = "$hw/events/device/lamp/twin/update";
    const report = (property: string, value: string): void => {
      const twin = { [property]: { actual: { value }, metadata: { type: "Updated" } } };
      client.publish(topic, JSON.stringify({ event_id: "", timestamp: 0, twin }), { qos: 0 });
    };
    try {
      client.on("message", (_topic, payload) => {
        const document = JSON.parse(payload.toString()) as {
          twin: { status?: { current: { expected?: { value: string } } } };
        };
        if (document.twin.status?.current.expected?.value === "ON") report("status", "41");
      });
      await client.subscribeAsync(`${topic}/document`, { qos: 0 });
      await apply(lampModel, lampDevice);
      await apply(lampModel, lampDevice);
      await waitUntil("the wanted value is on the node", async () => {
        const { status } = await skerry.get("devicestatus", "lamp").catch(() => ({ status: {} }));
        return status.twins?.some(
          (twin: { observedDesired?: { value: string } }) => twin.observedDesired?.value === "OFF",
        );
      });
      const wanted = [{ propertyName: "status", desired: { value: "ON", metadata: { type: "string" } } }];
      const older = "devices.v1alpha2.devices.kubeedge.io";
      const patch = JSON.stringify({ status: { twins: wanted } });
      await skerry.kubectlOk("patch", older, "lamp", "--type=merge", "-p", patch);
      await waitUntil("the mapper has counted", async () => (await value("lamp", "status")) === "41");
      report("warmth", "21.5");
      await waitUntil("a read-only value has arrived", async () => (await value("lamp", "warmth")) === "21.5");
      const { status, spec } = await skerry.get(older, "lamp");
      assert.equal(status.twins[0].reported.value, "41");
      assert.deepEqual(spec, lampDevice.spec);
    } finally {
      await client.endAsync();
    }
  });

  test("the counter counts, and stands still when its status says so", async () => {
    await apply(counterModel, counterDevice);
    const counted = await waitUntil("it counts", async () => {
      const count = await value("counter-instance", "count");
      return count !== undefined && Number(count) > 1 && count;
    });
    await waitUntil("it counts on", async () => Number(await value("counter-instance", "count")) > Number(counted));
    const paused = [{ op: "add", path: "/spec/properties/0/desired", value: { value: "2" } }];
    await skerry.kubectlOk("patch", "device", "counter-instance", "--type=json", "-p", JSON.stringify(paused));
    await waitUntil("it is paused", async () => (await value("counter-instance", "status")) === "2");
    const preset = [{ op: "add", path: "/spec/properties/1/desired", value: { value: "1000" } }];
    await skerry.kubectlOk("patch", "device", "counter-instance", "--type=json", "-p", JSON.stringify(preset));
    await waitUntil("its count is set", async () => (await value("counter-instance", "count")) === "1000");
  });
});
