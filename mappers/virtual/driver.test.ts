import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type JsonObject, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { DriverContext, DriverValue, PropertyType } from "@skerry/mapper";
import driver from "./driver.ts";

/** Reads a property `count` times, once a second. */
async function readings(type: PropertyType, config: JsonObject, count: number): Promise<DriverValue[]> {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const call: DriverContext = {
    deviceId: "default/d",
    signal,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  };
  const session = await driver.open({}, call);
  const access = session.property({ name: "p", type, config });
  const values: DriverValue[] = [];
  for (let index = 0; index < count; index++) {
    values.push(await access.read(call));
    await clock.advance(1_000);
  }
  return values;
}

test("a wave goes up and down around its mean, a walk stays near it", async () => {
  const wave = (await readings("float", { wave: "sine", mean: 10, amplitude: 2, periodMs: 20_000 }, 20)).map(Number);
  assert.ok(Math.max(...wave) > 11.9 && Math.max(...wave) <= 12);
  assert.ok(Math.min(...wave) < 8.1 && Math.min(...wave) >= 8);
  const walk = (await readings("float", { wave: "walk", mean: 10, amplitude: 2 }, 500)).map(Number);
  assert.ok(new Set(walk).size > 100);
  for (const value of walk) assert.ok(value >= 8 && value <= 12);
  for (const value of await readings("int", { wave: "walk" }, 20)) assert.ok(Number.isInteger(value));
});

test("a recording is played line after line and begins anew after the last", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-csv-"));
  const file = join(folder, "room.csv");
  try {
    await writeFile(file, 'time,"warm, or not",note\r\n1,20.5,"a ""b"", c"\r\n2,21,d\r\n3,22.5,\r\n\r\n');
    const config = { wave: "replay", file, column: "warm, or not" };
    assert.deepEqual(await readings("float", config, 4), ["20.5", "21", "22.5", "20.5"]);
    assert.deepEqual(await readings("string", { ...config, column: "note" }, 3), ['a "b", c', "d", ""]);
    assert.deepEqual(await readings("float", { ...config, intervalMs: 2_000 }, 3), ["20.5", "20.5", "21"]);
    await assert.rejects(readings("float", { ...config, column: "cold" }, 1), /no column "cold", only time/);
    await assert.rejects(readings("float", { ...config, file: join(folder, "none") }, 1), /ENOENT/);
    await assert.rejects(readings("float", { wave: "replay" }, 1), /configData\.file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
