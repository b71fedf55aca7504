import { isJsonObject, type JsonObject, type JsonValue, SkerryError, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import type { Database, Reader, Transaction } from "@skerry/store";
import { SqliteDatabase } from "@skerry/store/platform";
import type { CloudLink } from "../../edgehub/cloud-link.ts";
import { MetaManager, metaManagerMigrations, type OutboxEntry } from "../../metamanager/index.ts";
import type { DeviceBus } from "../device-bus.ts";
import { markReported, readUnreported, readUnreportedDevices } from "../device-table.ts";
import { DeviceTwin } from "../device-twin.ts";
import { allTwinMigrations } from "../migrations.ts";
import type { DeviceTwinPorts } from "../ports.ts";
import { twinReport } from "../twin-document.ts";

/** One publication on the recorded bus. */
export interface Published {
  readonly topic: string;
  readonly document: JsonObject;
}

/** A {@link DeviceBus} without a broker: keeps what is published, and hands in what a test sends. */
export class RecordedBus implements DeviceBus {
  #published: Published[] = [];
  #handler: ((topic: string, payload: string) => Promise<void>) | undefined;
  #connected: (() => void) | undefined;

  publish(topic: string, payload: string): void {
    const document = JSON.parse(payload) as JsonValue;
    if (!isJsonObject(document)) throw new Error(`not an object: ${payload}`);
    this.#published.push({ topic, document });
  }

  /** Whether somebody listens. */
  isConnected = true;

  publishOnce(topic: string, payload: string): boolean {
    if (this.isConnected) this.publish(topic, payload);
    return this.isConnected;
  }

  onDeviceMessage(handler: (topic: string, payload: string) => Promise<void>): Disposable {
    this.#handler = handler;
    return { [Symbol.dispose]() {} };
  }

  onConnected(listener: () => void): Disposable {
    this.#connected = listener;
    return { [Symbol.dispose]() {} };
  }

  async send(topic: string, payload: JsonValue | string): Promise<void> {
    await this.#handler?.(topic, typeof payload === "string" ? payload : JSON.stringify(payload));
  }

  connect(): void {
    this.#connected?.();
  }

  /** What was published since the last call. */
  take(): Published[] {
    const published = this.#published;
    this.#published = [];
    return published;
  }
}

const offlineLink: CloudLink = {
  state: { kind: "disconnected", sinceMs: 0, reason: "test" },
  onState: () => ({ [Symbol.dispose]() {} }),
  send() {
    throw new SkerryError({ code: "LINK_DISCONNECTED", message: "offline", advice: "none" });
  },
  async request() {
    throw new SkerryError({ code: "LINK_DISCONNECTED", message: "offline", advice: "none" });
  },
};

/** DeviceTwin on a real MetaManager and a real database, without link and broker. */
export class TwinWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly bus: RecordedBus = new RecordedBus();
  readonly meta: MetaManager;
  readonly database: Database;
  twin: DeviceTwin;
  #version = 100;

  private constructor(database: Database, options: Pick<DeviceTwinPorts, "limits" | "samples">) {
    this.database = database;
    const ports = { clock: this.clock, random: new SeededRandom(1), logger: silentLogger };
    this.meta = new MetaManager({ ...ports, database, cloudLink: offlineLink });
    this.twin = new DeviceTwin({
      ...ports,
      nodeName: "edge-node-1",
      meta: this.meta,
      bus: this.bus,
      cloudLink: offlineLink,
      ...options,
    });
  }

  static async start(
    options: { database?: Database } & Pick<DeviceTwinPorts, "limits" | "samples"> = {},
  ): Promise<TwinWorld> {
    const { database = openTwinDatabase(), ...rest } = options;
    const world = new TwinWorld(database, rest);
    await world.twin.start();
    return world;
  }

  /** A Device or DeviceModel as DeviceController sends it; resolves when it is stored and the twin has followed. */
  async fromCloud(operation: "insert" | "update" | "delete", object: JsonObject): Promise<void> {
    await this.store(operation, object, ++this.#version);
    await this.clock.advance(0);
  }

  /** The same, only until it is stored: from here on the cloud takes it for received. */
  async store(operation: "insert" | "update" | "delete", object: JsonObject, version: number): Promise<void> {
    const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
    const type = String(object["kind"]).toLowerCase();
    await this.meta.handle({
      header: { msg_id: `m-${version}`, timestamp: this.clock.now(), resourceversion: String(version) },
      route: {
        source: "devicecontroller",
        group: "resource",
        operation,
        resource: `${String(metadata["namespace"])}/${type}/${String(metadata["name"])}`,
      },
      content: { ...object, metadata: { ...metadata, resourceVersion: String(version) } },
    });
  }

  async membership(content: JsonObject): Promise<void> {
    const message: Message = {
      header: { msg_id: "membership-1", timestamp: this.clock.now() },
      route: { source: "devicecontroller", group: "twin", operation: "update", resource: "membership" },
      content,
    };
    await this.twin.handle(message);
  }

  /** What waits to reach the cloud: the outbox, and one entry for each value that the cloud does not know. */
  outbox(): OutboxEntry[] {
    return this.meta.read((reader) => this.pending(reader));
  }

  /** The same, as a reader sees it. */
  pending(reader: Reader): OutboxEntry[] {
    return [
      ...readUnreportedDevices(reader).flatMap((deviceId) =>
        readUnreported(reader, deviceId).map((property) => ({
          key: `twin/${deviceId}/${property.name}`,
          source: "twin",
          group: "resource",
          operation: "update",
          resource: `device/${deviceId}/twin/edge_updated`,
          content: twinReport({ eventId: "", timestampMs: this.clock.now() }, [property]),
        })),
      ),
      ...this.meta.outbox.pending(reader),
    ];
  }

  /** The cloud takes all that waits. */
  taken(transaction: Transaction): void {
    for (const { key } of this.meta.outbox.pending(transaction)) this.meta.outbox.remove(transaction, key);
    for (const deviceId of readUnreportedDevices(transaction))
      for (const property of readUnreported(transaction, deviceId)) markReported(transaction, deviceId, property);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.twin[Symbol.asyncDispose]();
    await this.meta[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

export function openTwinDatabase(path = ":memory:"): Database {
  const migrations = [...metaManagerMigrations, ...allTwinMigrations];
  return new SqliteDatabase({ path, migrations });
}

/** DeviceModel `thermo` with a float, a text and a read-only number. */
export const model: JsonObject = {
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "DeviceModel",
  metadata: { name: "thermo", namespace: "default", uid: "model-1" },
  spec: {
    properties: [
      { name: "temperature", type: "FLOAT", accessMode: "ReadWrite", minimum: "-40", maximum: "80" },
      { name: "led", type: "STRING", accessMode: "ReadWrite" },
      { name: "serial", type: "INT", accessMode: "ReadOnly" },
    ],
  },
};

/** {@link device} with annotations, e.g. the rules of its twin. */
export function annotated(
  annotations: Readonly<Record<string, string>>,
  desired: Readonly<Record<string, string>> = {},
): JsonObject {
  const { metadata, ...rest } = device(desired);
  return { ...rest, metadata: { ...(isJsonObject(metadata) ? metadata : {}), annotations } };
}

/** Device `default/thermo-1` with these desired values; "" as Go writes an unset one. */
export function device(desired: Readonly<Record<string, string>> = {}, uid = "device-1"): JsonObject {
  return {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name: "thermo-1", namespace: "default", uid, labels: { description: "cellar" } },
    spec: {
      deviceModelRef: { name: "thermo" },
      nodeName: "edge-node-1",
      properties: ["temperature", "led", "serial"].map((name) => ({
        name,
        desired: { value: desired[name] ?? "" },
        reportToCloud: true,
      })),
    },
  };
}
