import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../logger.ts";
import { ManualClock, SeededRandom } from "../testing/index.ts";
import { OtlpExporter } from "./otlp-exporter.ts";
import { formatTraceparent, parseTraceparent } from "./trace-context.ts";
import { type FinishedSpan, Tracer } from "./tracer.ts";

const context = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

test("a traceparent is read as W3C Trace Context has it, and nothing else is", () => {
  assert.deepEqual(parseTraceparent(formatTraceparent(context)), context);
  for (const text of [
    undefined,
    "",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
  ])
    assert.equal(parseTraceparent(text), undefined, text);
});

function tracing() {
  const clock = new ManualClock();
  const spans: FinishedSpan[] = [];
  const tracer = new Tracer({ clock, random: new SeededRandom(1), export: (span) => spans.push(span) });
  return { clock, spans, tracer };
}

test("a span belongs to the trace of its parent, and a clock that is set does not stretch it", async () => {
  const { clock, spans, tracer } = tracing();
  const beganMs = clock.now();
  const outer = tracer.start("deliver", { kind: "producer", attributes: { node: "edge-1" } });
  await assert.rejects(
    tracer.measure("store", { parent: outer.traceparent }, async () => {
      await clock.advance(20);
      clock.jumpWallClock(3_600_000);
      throw new Error("the disk is full");
    }),
  );
  outer.end();
  outer.end("only the first end counts");
  const [inner, whole] = spans;
  assert.equal(spans.length, 2);
  assert.equal(inner?.parentSpanId, whole?.context.spanId);
  assert.equal(inner?.context.traceId, whole?.context.traceId);
  assert.equal(inner?.failure, "the disk is full");
  assert.deepEqual([whole?.startMs, whole?.endMs, whole?.failure], [beganMs, beganMs + 20, undefined]);
});

function exporting() {
  const { clock, tracer, spans } = tracing();
  const bodies: string[] = [];
  const sink = { isAway: false };
  const exporter = new OtlpExporter({
    sink: {
      post: async (body) => {
        if (sink.isAway) throw new Error("nobody there");
        bodies.push(body);
      },
    },
    clock,
    logger: silentLogger,
    resource: { "service.name": "edgecore" },
  });
  const add = (count: number): void => {
    for (let index = 0; index < count; index++) tracer.start("store", { attributes: { index } }).end();
    for (const span of spans.splice(0)) exporter.add(span);
  };
  // biome-ignore lint/suspicious/noExplicitAny: raw JSON, read by assertions.
  const requests = (): any[] => bodies.map((body) => JSON.parse(body));
  const sentCount = (): number =>
    requests().reduce((sum, { resourceSpans }) => sum + resourceSpans[0].scopeSpans[0].spans.length, 0);
  return { clock, exporter, sink, add, requests, sentCount };
}

test("finished spans are sent in batches, in OTLP's JSON", async () => {
  const { clock, add, requests } = exporting();
  add(1);
  await clock.advance(2_000);
  const [{ resourceSpans }] = requests();
  assert.deepEqual(resourceSpans[0].resource.attributes, [{ key: "service.name", value: { stringValue: "edgecore" } }]);
  const [span] = resourceSpans[0].scopeSpans[0].spans;
  assert.match(span.traceId, /^[0-9a-f]{32}$/);
  assert.match(span.spanId, /^[0-9a-f]{16}$/);
  assert.equal(span.kind, 1);
  assert.match(span.startTimeUnixNano, /^\d{19}$/);
  assert.deepEqual(span.attributes, [{ key: "index", value: { doubleValue: 0 } }]);
});

test("while the collector is away spans wait, the oldest go beyond the limit and are counted", async () => {
  const { clock, exporter, sink, add, sentCount } = exporting();
  sink.isAway = true;
  add(3_000);
  await clock.advance(60_000);
  add(10);
  assert.equal(exporter.droppedCount, 3_010 - 2_048);
  sink.isAway = false;
  await clock.advance(120_000);
  assert.equal(sentCount(), 2_048);
});

test("what waits at the end is sent", async () => {
  const { exporter, add, sentCount } = exporting();
  add(300);
  await exporter[Symbol.asyncDispose]();
  assert.equal(sentCount(), 300);
});
