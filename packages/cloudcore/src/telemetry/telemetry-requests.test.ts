import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import {
  appendContent,
  errorStatusOf,
  type Message,
  newMessage,
  queryContent,
  telemetryRoute,
  toSampleBlock,
} from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { SqliteTelemetrySink, telemetrySinkMigrations } from "./sqlite-telemetry-sink.ts";
import { TelemetryRequests } from "./telemetry-requests.ts";
import type { TelemetrySink } from "./telemetry-sink.ts";

const stamp = { clock: new ManualClock(), random: new SeededRandom() };

function openSink(): SqliteTelemetrySink {
  return new SqliteTelemetrySink(new SqliteDatabase({ path: ":memory:", migrations: telemetrySinkMigrations }));
}

function requests(sink: TelemetrySink): TelemetryRequests {
  const owners: Record<string, string> = { "d/mine": "edge-1", "d/other": "edge-2" };
  return new TelemetryRequests({ sink, nodeOf: (deviceId) => owners[deviceId], logger: silentLogger });
}

function append(...deviceIds: string[]): Message {
  const samples = deviceIds.map((deviceId) => ({ deviceId, property: "t", value: "1", timestampMs: 1 }));
  return newMessage(
    stamp,
    telemetryRoute("append"),
    appendContent({ stream: "s", base: 0 }, 0, [toSampleBlock(1, samples)]),
  );
}

/** Resolves with the answer to a message of edge-1. */
function ask(handler: TelemetryRequests, message: Message): Promise<JsonValue> {
  return new Promise((resolve, reject) => {
    handler.handle("edge-1", message, resolve).catch(reject);
  });
}

test("samples are answered with the cursor once they are stored", async () => {
  await using sink = openSink();
  const handler = requests(sink);
  assert.deepEqual(await ask(handler, append("d/mine", "d/mine")), { cursor: 2 });
  assert.deepEqual(await ask(handler, newMessage(stamp, telemetryRoute("query"), queryContent("s"))), { cursor: 2 });
  assert.equal(handler.counters.received, 2);
});

test("a node's samples of another node's device are not stored, those of a deleted device are", async () => {
  await using sink = openSink();
  const handler = requests(sink);
  assert.deepEqual(await ask(handler, append("d/mine", "d/other", "d/deleted")), { cursor: 3 });
  const stored = async (deviceId: string): Promise<number> =>
    (await sink.query({ deviceId, property: "t", sinceMs: 0, untilMs: 10, limit: 10 })).length;
  assert.deepEqual([await stored("d/mine"), await stored("d/other"), await stored("d/deleted")], [1, 0, 1]);
  assert.equal(handler.counters.foreign, 1);
});

test("what is not well formed is refused", async () => {
  await using sink = openSink();
  const answer = await ask(requests(sink), newMessage(stamp, telemetryRoute("append"), { stream: "s" }));
  assert.equal(errorStatusOf(answer)?.code, 400);
});

test("a sink that fails is answered as unavailable, so that the node keeps its samples", async () => {
  await using sink = openSink();
  const failing: TelemetrySink = {
    cursor: () => Promise.reject(new Error("no disk")),
    append: () => Promise.reject(new Error("no disk")),
    query: (query) => sink.query(query),
    streams: () => sink.streams(),
    prune: (beforeMs) => sink.prune(beforeMs),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  assert.equal(errorStatusOf(await ask(requests(failing), append("d/mine")))?.code, 503);
});
