import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import type { Message } from "./message.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { acknowledgementFor, routeOf } from "./routes.ts";

interface Recorded {
  readonly file: string;
  readonly dir: "edge->cloud" | "cloud->edge";
  readonly msg: Message;
}

/** Every message of the recordings of a KubeEdge edge and cloud, secrets blanked. */
const recordings: readonly Recorded[] = ["link", "metaserver"].flatMap((folder) =>
  readRecordings(join(import.meta.dirname, "../../../fixtures", folder)),
);

function readRecordings(folder: string): Recorded[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".jsonl"))
    .flatMap((file) =>
      readFileSync(join(folder, file), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => ({ file, ...(JSON.parse(line) as { dir: Recorded["dir"]; msg?: Message }) }))
        .flatMap(({ msg, ...rest }) => (msg ? [{ ...rest, msg }] : [])),
    );
}

test("every recorded message is read and written again without a change", () => {
  assert.ok(recordings.length > 400);
  for (const { file, msg } of recordings) {
    const frame = encodeMessage(decodeMessage(JSON.stringify(msg)));
    assert.deepEqual(JSON.parse(frame) as JsonValue, JSON.parse(JSON.stringify(msg)), file);
  }
});

test("every recorded message has its row in the route table, but for the zero message of an edge that stops", () => {
  for (const { file, dir, msg } of recordings) {
    if (msg.header.msg_id === "") continue;
    const direction = dir === "cloud->edge" ? "down" : "up";
    assert.ok(routeOf(direction, msg), `${file} ${dir} ${JSON.stringify(msg.route)}`);
  }
});

test("what the table wants acknowledged, KubeEdge's edge acknowledged; what it does not, only answers ever were", () => {
  const acknowledged = new Set(
    recordings.flatMap(({ dir, msg }) =>
      dir === "edge->cloud" && msg.route.operation === "response" ? [msg.header.parent_msg_id] : [],
    ),
  );
  const unanswered: string[] = [];
  for (const { file, dir, msg } of recordings) {
    if (dir !== "cloud->edge") continue;
    const wanted = acknowledgementFor(msg);
    const was = acknowledged.has(msg.header.msg_id);
    if (wanted === "none" && was) assert.equal(msg.route.operation, "response", `${file} ${JSON.stringify(msg.route)}`);
    if (wanted !== "none" && !was) unanswered.push(`${file} ${msg.route.operation} ${msg.route.resource}`);
  }
  assert.deepEqual(unanswered, []);
});
