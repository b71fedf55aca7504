import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type JsonObject, silentLogger, sleep } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { EdgeCore, edgeDatabaseMigrations } from "@skerry/edgecore";
import { unixGrpc } from "@skerry/grpc/platform";
import { Mapper } from "@skerry/mapper";
import { loadDriver, NetworkPushTransport } from "@skerry/mapper/platform";
import { SqliteDatabase } from "@skerry/store/platform";

const modelObject: JsonObject = {
  kind: "DeviceModel",
  metadata: { name: "room", namespace: "default", uid: "m1" },
  spec: {
    protocol: "virtual",
    properties: [
      { name: "temperature", type: "FLOAT", accessMode: "ReadOnly", visitors: { configData: { wave: "sine" } } },
      { name: "setpoint", type: "INT", accessMode: "ReadWrite", minimum: "5", maximum: "30" },
    ],
  },
};

function deviceObject(setpoint: string): JsonObject {
  const [collectCycle, reportToCloud] = [20, true];
  return {
    kind: "Device",
    metadata: { name: "cellar", namespace: "default", uid: "d1" },
    spec: {
      deviceModelRef: { name: "room" },
      protocol: { protocolName: "virtual" },
      properties: [
        { name: "temperature", collectCycle, reportToCloud },
        {
          name: "setpoint",
          collectCycle,
          reportToCloud,
          desired: { value: setpoint },
          visitors: { configData: { wave: "memory" } },
        },
      ],
    },
  };
}

/** EdgeCore without cloud, broker and containers, with its DMI socket. */
class Node implements AsyncDisposable {
  readonly core: EdgeCore;
  readonly #opened: AsyncDisposableStack;
  #version = 0;

  private constructor(folder: string, opened: AsyncDisposableStack) {
    this.#opened = opened;
    const database = opened.use(new SqliteDatabase({ path: ":memory:", migrations: edgeDatabaseMigrations }));
    const dmi = { transport: unixGrpc, socketPath: join(folder, "dmi.sock") };
    const shared = { clock: systemClock, random: systemRandom, logger: silentLogger };
    this.core = opened.use(new EdgeCore({ ...shared, database, dmi }, { nodeName: "edge-1" }));
  }

  static async start(folder: string): Promise<Node> {
    const node = new Node(folder, new AsyncDisposableStack());
    await node.core.start();
    return node;
  }

  async fromCloud(object: JsonObject): Promise<void> {
    const version = String(++this.#version);
    const { kind, metadata } = object as { readonly kind: string; readonly metadata: JsonObject };
    await this.core.metaManager.handle({
      header: { msg_id: `m-${version}`, timestamp: 1, resourceversion: version },
      route: {
        source: "devicecontroller",
        group: "resource",
        operation: "update",
        resource: `default/${kind.toLowerCase()}/${String(metadata["name"])}`,
      },
      content: { ...object, metadata: { ...metadata, resourceVersion: version } },
    });
  }

  /** Waits until the twin has a value of the property, or this one, and the cloud is to be told it. */
  async untilReported(property: string, value?: string): Promise<void> {
    const { metaManager, deviceTwin } = this.core;
    const query = "SELECT actual FROM twin_property WHERE device_id = 'default/cellar' AND name = ?";
    for (;;) {
      const actual = metaManager.read((reader) => reader.first(query, property))?.["actual"] ?? undefined;
      const isToBeTold = deviceTwin?.waiting().includes(`twin/default/cellar/${property}`) === true;
      if (isToBeTold && actual !== undefined && (value === undefined || actual === value)) return;
      await sleep(systemClock, 10);
    }
  }

  /** Waits until the outbox holds the device's state. */
  async untilState(state: string): Promise<void> {
    const { metaManager } = this.core;
    for (;;) {
      const entries = metaManager.read((reader) => metaManager.outbox.pending(reader));
      if (entries.some(({ key, content }) => key.startsWith("devicestate/") && JSON.stringify(content).includes(state)))
        return;
      await sleep(systemClock, 10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

test("a driver's values go through EdgeCore into the report to the cloud, and a desired value to the driver", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-mapper-"));
  try {
    await using node = await Node.start(folder);
    const driver = await loadDriver(
      fileURLToPath(new URL("../../../../../mappers/virtual/driver.ts", import.meta.url)),
    );
    const shared = { clock: systemClock, random: systemRandom, logger: silentLogger };
    await using mapper = new Mapper(
      { ...shared, driver, transport: unixGrpc, pushTransport: new NetworkPushTransport() },
      { name: "virtual", socketPath: join(folder, "virtual.sock"), edgeCoreSocketPath: join(folder, "dmi.sock") },
    );
    await mapper.start();
    await node.fromCloud(modelObject);
    await node.fromCloud(deviceObject("21"));
    await node.untilState("online");
    await node.untilReported("temperature");
    await node.untilReported("setpoint", "21");
    await node.fromCloud(deviceObject("99")); // Out of range: the driver never hears of it.
    await node.fromCloud(deviceObject("18"));
    await node.untilReported("setpoint", "18");
    assert.deepEqual(mapper.devices(), [{ id: "default/cellar", offlineReason: undefined }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
