import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isJsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { type Message, responseTo } from "@skerry/link";
import type { Database } from "@skerry/store";
import fc from "fast-check";
import { EdgeHub } from "../edgehub/index.ts";
import { FakeCloud } from "../edgehub/testing/fake-cloud.ts";
import { DeviceTwin } from "./device-twin.ts";
import { device, model, openTwinDatabase, RecordedBus, TwinWorld } from "./testing/twin-world.ts";

const INTERVAL_MS = 1_000;
const deviceId = "default/thermo-1";

/** A DeviceTwin with a link to a cloud that notes what it is told. */
class ReportWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly cloud: FakeCloud = new FakeCloud();
  readonly hub: EdgeHub;
  readonly twin: DeviceTwin;
  /** One entry a report: the device, the reported values by property, and when it came. */
  readonly reports: {
    readonly deviceId: string;
    readonly atMs: number;
    readonly values: Readonly<Record<string, JsonValue>>;
  }[] = [];
  answer: "ok" | "silent" | "unavailable" | "forbidden" | "not found" = "ok";
  readonly #random = new SeededRandom();
  readonly #world: TwinWorld;

  private constructor(world: TwinWorld) {
    this.#world = world;
    const ports = { clock: this.clock, random: this.#random, logger: silentLogger };
    this.cloud.answer = (message) => this.#answer(message);
    this.hub = new EdgeHub(
      { ...ports, dialer: this.cloud },
      { nodeName: "edge-node-1", projectId: "p", servers: ["192.0.2.1:10000"] },
    );
    this.twin = new DeviceTwin({
      ...ports,
      nodeName: "edge-node-1",
      meta: world.meta,
      bus: new RecordedBus(),
      cloudLink: this.hub,
      reportIntervalMs: INTERVAL_MS,
    });
  }

  /** `reportCycle`: of the property `led`. */
  static async start(options: { database?: Database; reportCycle?: number } = {}): Promise<ReportWorld> {
    const stored = await TwinWorld.start({ database: options.database ?? openTwinDatabase() });
    await stored.fromCloud("insert", model);
    const spec = device()["spec"];
    assert.ok(isJsonObject(spec) && Array.isArray(spec["properties"]));
    const properties = spec["properties"].map((property) =>
      isJsonObject(property) && property["name"] === "led" && options.reportCycle !== undefined
        ? { ...property, reportCycle: options.reportCycle }
        : property,
    );
    await stored.fromCloud("insert", { ...device(), spec: { ...spec, properties } });
    const world = new ReportWorld(stored);
    await world.twin.start();
    return world;
  }

  async connect(): Promise<void> {
    await this.hub.start();
    await this.pass(10_000);
  }

  /** One more device on the node. */
  async add(name: string): Promise<string> {
    await this.#world.fromCloud("insert", { ...device(), metadata: { name, namespace: "default", uid: name } });
    await this.pass(0);
    return `default/${name}`;
  }

  async set(property: string, value: string, of = deviceId): Promise<void> {
    await this.twin.reportValues(of, new Map([[property, value]]));
    await this.pass(0);
  }

  /** Lets time pass; the database commits by itself between. */
  async pass(ms: number): Promise<void> {
    const stepMs = Math.max(100, ms / 40);
    for (let left = ms; ; left -= stepMs) {
      await this.clock.advance(Math.min(stepMs, Math.max(0, left)));
      await settle();
      if (left <= stepMs) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.twin[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
    await this.#world[Symbol.asyncDispose]();
  }

  #answer(message: Message): Message | undefined {
    const [, deviceId] = /^device\/(.*)\/twin\/edge_updated$/.exec(message.route.resource ?? "") ?? [];
    if (deviceId === undefined) return undefined;
    const twin = isJsonObject(message.content) ? message.content["twin"] : undefined;
    assert.ok(isJsonObject(twin));
    const values = Object.entries(twin).map(([name, property]) => {
      const actual = isJsonObject(property) ? property["actual"] : undefined;
      return [name, (isJsonObject(actual) ? actual["value"] : null) ?? null] as const;
    });
    const reply = (content: JsonValue): Message =>
      responseTo({ clock: this.clock, random: this.#random }, message, content);
    switch (this.answer) {
      case "silent":
        return undefined;
      case "unavailable":
        return reply({ ErrStatus: { code: 503, reason: "ServiceUnavailable" } });
      case "forbidden":
        return reply({ ErrStatus: { code: 403, reason: "Forbidden" } });
      case "not found":
        return reply({ ErrStatus: { code: 404, reason: "NotFound" } });
      case "ok":
        this.reports.push({ deviceId, atMs: this.clock.monotonicMs(), values: Object.fromEntries(values) });
        return reply("OK");
    }
  }
}

test("a value is reported at once when its device was quiet", async () => {
  await using world = await ReportWorld.start();
  await world.connect();
  await world.set("temperature", "20");
  assert.deepEqual(
    world.reports.map(({ values }) => values),
    [{ temperature: "20" }],
  );
});

test("a device that changes often is reported once an interval, with the newest values of all properties", async () => {
  await using world = await ReportWorld.start();
  await world.connect();
  for (let value = 1; value <= 25; value++) {
    await world.set("temperature", `${value}`);
    await world.set("led", `L${value}`);
    await world.pass(100);
  }
  await world.pass(2 * INTERVAL_MS);
  const times = world.reports.map(({ atMs }) => atMs);
  for (const [index, atMs] of times.entries())
    assert.ok(index === 0 || atMs - (times[index - 1] ?? 0) >= INTERVAL_MS, `reports at ${times.join(", ")}`);
  assert.deepEqual(world.reports[0]?.values, { temperature: "1" }, "the first value is not lost");
  const last = Object.assign({}, ...world.reports.map(({ values }) => values)) as Record<string, JsonValue>;
  assert.deepEqual(last, { temperature: "25", led: "L25" }, "the final values arrive");
  assert.ok(world.reports.length <= 5, `${world.reports.length} reports`);
});

test("while the cloud is slow, a device that was quiet is reported before those that change on and on", async () => {
  await using world = await ReportWorld.start();
  const busy: string[] = [];
  for (let index = 0; index < 20; index++) busy.push(await world.add(`busy-${index}`));
  await world.connect();
  world.answer = "silent"; // What is on its way now takes up all places.
  for (const value of ["1", "2"]) for (const each of busy) await world.set("temperature", value, each);
  await world.set("temperature", "20");
  world.answer = "ok";
  await world.pass(60_000);
  assert.equal(world.reports[0]?.deviceId, deviceId);
  assert.deepEqual(new Set(world.reports.map((report) => report.deviceId)), new Set([deviceId, ...busy]));
});

test("a property's reportCycle holds it back, not the others of its device", async () => {
  await using world = await ReportWorld.start({ reportCycle: 10_000 });
  await world.connect();
  for (let value = 1; value <= 8; value++) {
    await world.set("temperature", `${value}`);
    await world.set("led", `L${value}`);
    await world.pass(INTERVAL_MS);
  }
  const told = (name: string): JsonValue[] =>
    world.reports.flatMap(({ values }) => (name in values ? [values[name] ?? null] : []));
  assert.deepEqual(told("led"), ["L1"]);
  assert.ok(told("temperature").length >= 4);
  await world.pass(10_000);
  assert.deepEqual(told("led"), ["L1", "L8"]);
});

test("a reportCycle of more than a day is KubeEdge's nanoseconds", async () => {
  await using world = await ReportWorld.start({ reportCycle: 2_000_000_000 });
  await world.connect();
  await world.set("led", "ON");
  await world.set("led", "OFF");
  await world.pass(2_500);
  assert.deepEqual(
    world.reports.map(({ values }) => values["led"]),
    ["ON", "OFF"],
  );
});

test("what changed while the link was cut is reported after it, also over a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), "twins-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "edgecore.db");
  {
    const database = openTwinDatabase(path);
    await using world = await ReportWorld.start({ database });
    await world.set("temperature", "19");
    await world.set("temperature", "20");
    await world.set("led", "ON");
  }
  await using world = await ReportWorld.start({ database: openTwinDatabase(path) });
  assert.deepEqual(world.twin.waiting(), ["twin/default/thermo-1/led", "twin/default/thermo-1/temperature"]);
  await world.connect();
  assert.deepEqual(
    world.reports.map(({ values }) => values),
    [{ led: "ON", temperature: "20" }],
  );
  assert.deepEqual(world.twin.waiting(), []);
});

test("a report that is not answered, or refused for now, is sent again; one refused for good is not", async () => {
  await using world = await ReportWorld.start();
  await world.connect();
  world.answer = "silent";
  await world.set("led", "ON");
  await world.pass(5_000);
  world.answer = "unavailable";
  await world.pass(30_000);
  assert.deepEqual(world.twin.waiting(), ["twin/default/thermo-1/led"]);
  world.answer = "ok";
  await world.pass(120_000);
  assert.deepEqual(
    world.reports.map(({ values }) => values),
    [{ led: "ON" }],
  );
  world.answer = "not found";
  await world.set("led", "OFF");
  await world.pass(INTERVAL_MS);
  assert.deepEqual(world.twin.waiting(), []);
});

test("a report that is forbidden once after an outage of the API is sent again", async () => {
  await using world = await ReportWorld.start();
  await world.connect();
  world.answer = "unavailable";
  await world.set("led", "ON");
  await world.pass(10 * 60_000);
  world.answer = "forbidden";
  await world.pass(80_000);
  assert.deepEqual(world.twin.waiting(), ["twin/default/thermo-1/led"]);
  world.answer = "ok";
  await world.pass(120_000);
  assert.deepEqual(
    world.reports.map(({ values }) => values),
    [{ led: "ON" }],
  );
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    property: fc.constantFrom("temperature", "led"),
    value: fc.integer({ min: 0, max: 99 }).map(String),
  }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({ kind: fc.constant("drop" as const) }),
  fc.record({
    kind: fc.constant("answer" as const),
    answer: fc.constantFrom("ok" as const, "silent" as const, "unavailable" as const),
  }),
);

test("whatever happens in between, the cloud has the newest values in the end, and never one report too many", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using world = await ReportWorld.start();
      await world.connect();
      const newest = new Map<string, string>();
      for (const each of steps) {
        if (each.kind === "set") {
          newest.set(each.property, each.value);
          await world.set(each.property, each.value);
        } else if (each.kind === "pass") await world.pass(each.ms);
        else if (each.kind === "drop") world.cloud.connection.drop();
        else world.answer = each.answer;
      }
      world.answer = "ok";
      await world.pass(200_000);
      const known = Object.assign({}, ...world.reports.map(({ values }) => values)) as Record<string, JsonValue>;
      assert.deepEqual(known, Object.fromEntries(newest));
    }),
    { numRuns: 20 },
  );
});
