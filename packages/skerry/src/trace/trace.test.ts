import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import type { LinkTrace } from "@skerry/cloudcore";
import { trace as traceCommand } from "../commands/trace.ts";
import { askForTrace, serveCloudCoreControl } from "./cloudcore-control.ts";
import { traceLines, traceTable } from "./trace-text.ts";

const counters = {
  sent: 0,
  resent: 0,
  delivered: 0,
  notStored: 0,
  superseded: 0,
  dropped: 0,
  unknownAcknowledgements: 0,
};

function connected(atMs: number, podMessages: number): LinkTrace {
  return {
    node: "edge-1",
    atMs,
    link: {
      state: "connected",
      sinceMs: 0,
      delivery: "skerry",
      counters,
      backlog: { messagesToHandle: 2, bytesToSend: 4_200, throttledCount: 0 },
    },
    traffic: {
      coversMs: 600_000,
      rows: [
        { direction: "down", kind: "pod", messages: podMessages, bytes: 5_000 * podMessages },
        { direction: "up", kind: "ping", messages: 10, bytes: 60 },
      ],
    },
  };
}

const offline: LinkTrace = {
  node: "edge-1",
  atMs: 600_000,
  link: { state: "offline", sinceMs: 0, reason: "no answer to a ping for 5 s" },
  traffic: { coversMs: 900_000, rows: [] },
};

test("the table has each kind, the sum, what the network adds and what crosses just now", () => {
  const table = traceTable(connected(601_000, 3), connected(600_000, 1)).join("\n");
  assert.match(table, /edge-1 is connected for 10 min \(skerry delivery\); waiting: 2 messages to handle, 4\.2 kB/);
  assert.match(table, /to the node +pod +3 +15\.0 kB +15\.\d kB +10\.0 kB\/s/);
  assert.match(table, /both +all +13 +15\.1 kB/);
});

test("an offline node is told to be offline, for how long and why", () => {
  assert.match(traceTable(offline).join("\n"), /OFFLINE for 10 min: no answer to a ping for 5 s/);
  const lines = traceLines(offline, connected(599_000, 1));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /OFFLINE/);
});

test("a byte budget is shown with what the node says of it", () => {
  const budget = { annotation: "20M", condition: "EventsHeld: telemetry and events wait", lastDayBytes: 19_500_000 };
  const text = traceTable({ ...offline, budget }).join("\n");
  assert.match(
    text,
    /Byte budget "20M" \(bytes a day\); the last 24 h: about 19\.5 MB\. EventsHeld: telemetry and events wait\./,
  );
});

test("a line is printed for what came since the last second, and nothing when nothing came", () => {
  assert.deepEqual(traceLines(connected(601_000, 3), connected(600_000, 3)), []);
  const [line, ...more] = traceLines(connected(601_000, 3), connected(600_000, 1));
  assert.deepEqual(more, []);
  assert.match(line ?? "", /^00:10:01 to the node +pod +\+2 +\+10\.0 kB$/);
});

test("CloudCore is asked over its socket, for the whole time or a part of it", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-trace-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const socket = join(folder, "cloudcore.sock");
  const asked: unknown[] = [];
  await using server = serveCloudCoreControl(socket, {
    trace: async (node, recentMs) => {
      asked.push([node, recentMs]);
      return { ...offline, node };
    },
  });
  await server.start();
  assert.equal((await askForTrace(socket, "edge-7")).node, "edge-7");
  await askForTrace(socket, "edge-7", 60_000);
  assert.deepEqual(asked, [
    ["edge-7", undefined],
    ["edge-7", 60_000],
  ]);
});

test("where no CloudCore answers, or the command is wrong, a coded error says what to do", async () => {
  await assert.rejects(
    traceCommand.run(["node", "edge-1", "--once", "--control", "/nowhere/cloudcore.sock"]),
    (error) => isSkerryError(error, "SKERRY_CLOUDCORE_NOT_ANSWERING") && error.advice.includes("skerry up"),
  );
  for (const wrong of [
    ["edge-1"],
    ["node"],
    ["node", "a", "b"],
    ["node", "a", "--since", "2d"],
    ["node", "a", "-o", "x"],
  ])
    await assert.rejects(traceCommand.run(wrong), (error) => isSkerryError(error, "SKERRY_USAGE"), wrong.join(" "));
});
