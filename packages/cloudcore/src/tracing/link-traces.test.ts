import assert from "node:assert/strict";
import { test } from "node:test";
import { type FinishedSpan, Tracer } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import { LinkTraces } from "./link-traces.ts";

const NODE = "edge-1";
const POD = "default/pod/web";
const message = (id: string, source = "edgecontroller", resource = POD): Message => ({
  header: { msg_id: id, timestamp: 1 },
  route: { source, operation: "update", resource },
  content: null,
});

function world() {
  const clock = new ManualClock();
  const spans: FinishedSpan[] = [];
  const tracer = new Tracer({ clock, random: new SeededRandom(1), export: (span) => spans.push(span) });
  return { clock, spans, traces: new LinkTraces(tracer, clock) };
}

test("a delivery is measured from the change in the cluster to the node's acknowledgement", async () => {
  const { clock, spans, traces } = world();
  const changedMs = clock.now();
  traces.changed(NODE, POD);
  await clock.advance(100);
  const sent = traces.outgoing(NODE, message("1"));
  assert.match(sent.header.traceparent ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await clock.advance(100);
  traces.delivered("another", sent);
  assert.deepEqual(spans, []);
  traces.delivered(NODE, sent);
  assert.deepEqual(
    spans.map(({ name, startMs, endMs, failure }) => [name, startMs, endMs, failure]),
    [["deliver pod", changedMs, changedMs + 200, undefined]],
  );
});

test("a version that a newer one overtakes ends with that, and its late acknowledgement ends nothing", () => {
  const { spans, traces } = world();
  const older = traces.outgoing(NODE, message("1"));
  const newer = traces.outgoing(NODE, message("2"));
  traces.delivered(NODE, older);
  assert.deepEqual(
    spans.map(({ failure }) => failure),
    ["a newer version took its place"],
  );
  traces.delivered(NODE, newer);
  assert.equal(spans.length, 2);
});

test("deliveries that are never acknowledged are not kept for ever", () => {
  const { spans, traces } = world();
  for (let index = 0; index < 2_000; index++)
    traces.outgoing(NODE, message("1", "edgecontroller", `default/pod/p${index}`));
  assert.equal(spans.length, 2_000 - 1_024);
});

test("what is no object, and answers, are sent as they are", () => {
  const { traces } = world();
  for (const plain of [
    message("1", "cloudhub"),
    { ...message("2"), route: { source: "edgecontroller", operation: "response", resource: POD } },
    { ...message("3"), header: { msg_id: "3", timestamp: 1, parent_msg_id: "0" } },
  ])
    assert.equal(traces.outgoing(NODE, plain), plain);
});

test("a write that a node asks for within a trace is a span of it, also when it fails", async () => {
  const { spans, traces } = world();
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const asked = { ...message("1"), header: { msg_id: "1", timestamp: 1, traceparent } };
  await traces.incoming(NODE, asked, async () => {});
  await assert.rejects(traces.incoming(NODE, asked, () => Promise.reject(new Error("conflict"))));
  await traces.incoming(NODE, message("2"), async () => {});
  assert.deepEqual(
    spans.map(({ parentSpanId, failure }) => [parentSpanId, failure]),
    [
      ["00f067aa0ba902b7", undefined],
      ["00f067aa0ba902b7", "conflict"],
    ],
  );
});
