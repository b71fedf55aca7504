import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Message } from "../message.ts";
import { frameBytes, ipBytes } from "./frame-bytes.ts";
import { TrafficMeter } from "./traffic-meter.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function message(source: string, group: string, operation: string, resource: string): Message {
  return { header: { msg_id: "1", timestamp: 0 }, route: { source, group, operation, resource }, content: null };
}

const pod = message("edgecontroller", "resource", "update", "default/pod/web");
const podStatus = message("edged", "meta", "patch", "default/podpatch/web");
const podStatusAnswer = message("edgecontroller", "resource", "response", "default/podpatch/web");

test("traffic is counted by direction and kind", () => {
  const meter = new TrafficMeter(0);
  meter.count("down", pod, 5000, 1);
  meter.count("down", pod, 5000, 2);
  meter.count("up", podStatus, 900, 3);
  meter.count("down", podStatusAnswer, 1000, 4);
  meter.count("up", message("skerry", "set", "digest", "set"), 200, 5);
  meter.count("up", message("twin", "resource", "update", "device/default/thermo/twin/edge_updated"), 300, 5);
  meter.count("up", message("edgecontroller", "resource", "response", "default/pod/web"), 250, 6);
  meter.count("up", message("telemetry", "telemetry", "append", "samples"), 100, 6);
  meter.countPing("up", 6, 7);
  assert.deepEqual(meter.total(10), {
    coversMs: 10,
    rows: [
      { direction: "down", kind: "pod", messages: 2, bytes: 10_000 },
      { direction: "down", kind: "podpatch", messages: 1, bytes: 1000 },
      { direction: "up", kind: "podpatch", messages: 1, bytes: 900 },
      { direction: "up", kind: "device", messages: 1, bytes: 300 },
      { direction: "up", kind: "acknowledgement", messages: 1, bytes: 250 },
      { direction: "up", kind: "set", messages: 1, bytes: 200 },
      { direction: "up", kind: "telemetry", messages: 1, bytes: 100 },
      { direction: "up", kind: "ping", messages: 1, bytes: 6 },
    ],
  });
});

test("what lies further back than asked for is left out, and a day at most is remembered", () => {
  const meter = new TrafficMeter(0);
  meter.count("down", pod, 1, 0);
  meter.count("down", pod, 10, 90 * MINUTE);
  meter.count("down", pod, 100, 119 * MINUTE);
  const bytes = (durationMs: number, nowMs: number): number =>
    meter.recent(durationMs, nowMs).rows.reduce((sum, row) => sum + row.bytes, 0);
  assert.equal(bytes(5 * MINUTE, 120 * MINUTE), 100);
  assert.equal(bytes(HOUR, 120 * MINUTE), 110);
  assert.equal(bytes(24 * HOUR, 120 * MINUTE), 111);
  assert.equal(bytes(24 * HOUR, 25 * HOUR), 110);
  assert.equal(bytes(24 * HOUR, 40 * 24 * HOUR), 0);
  assert.equal(meter.recent(24 * HOUR, HOUR).coversMs, HOUR, "no longer than the meter has counted");
});

test("a node that makes up kinds costs bounded memory", () => {
  const meter = new TrafficMeter(0);
  for (let index = 0; index < 1000; index++)
    meter.count("up", message("edged", "meta", "query", `default/kind${index}/x`), 1, 0);
  const { rows } = meter.total(0);
  assert.ok(rows.length <= 65, String(rows.length));
  assert.equal(
    rows.reduce((sum, row) => sum + row.messages, 0),
    1000,
  );
});

test("no byte is counted twice or left out, whenever it comes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3 * HOUR), { maxLength: 60 }),
      fc.integer({ min: 1, max: 24 * HOUR }),
      (gaps, askMs) => {
        const meter = new TrafficMeter(0);
        let nowMs = 0;
        const times: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          times.push(nowMs);
          meter.count("up", podStatus, 1, nowMs);
        }
        const counted = meter.recent(askMs, nowMs).rows.reduce((sum, row) => sum + row.bytes, 0);
        const wanted = times.filter((time) => time > nowMs - askMs).length;
        const atMost = times.filter((time) => time >= nowMs - askMs - HOUR).length;
        assert.ok(counted >= wanted && counted <= atMost, `${counted} of ${wanted} to ${atMost}`);
        assert.equal(meter.total(nowMs).rows[0]?.bytes ?? 0, times.length);
      },
    ),
  );
});

test("a frame's head grows with its length, and upwards by its mask", () => {
  assert.deepEqual(
    [0, 125, 126, 65_535, 65_536].map((bytes) => frameBytes("down", bytes) - bytes),
    [2, 2, 4, 4, 10],
  );
  assert.equal(frameBytes("up", 125), 131);
  assert.equal(ipBytes(1, 6), 6 + 22 + 52 + 52);
});
