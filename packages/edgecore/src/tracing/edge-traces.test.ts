import assert from "node:assert/strict";
import { test } from "node:test";
import { type FinishedSpan, Tracer } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import type { CloudLink } from "../edgehub/index.ts";
import { EdgeTraces } from "./edge-traces.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const message = (resource: string, traceparent?: string): Message => ({
  header: { msg_id: "1", timestamp: 1, ...(traceparent === undefined ? {} : { traceparent }) },
  route: { operation: "update", resource },
  content: null,
});

function world() {
  const clock = new ManualClock();
  const spans: FinishedSpan[] = [];
  const traces = new EdgeTraces(
    new Tracer({ clock, random: new SeededRandom(1), export: (span) => spans.push(span) }),
    clock,
  );
  const sent: Message[] = [];
  const link = traces.link({
    request: async (request: Message) => {
      sent.push(request);
      return request;
    },
  } as unknown as CloudLink);
  const handler = traces.handler({ handle: async () => {} });
  return { clock, spans, sent, link, handler };
}

test("a pod's status belongs to the trace that its newest version came with, for ten minutes", async () => {
  const { clock, spans, sent, link, handler } = world();
  await handler.handle(message("default/pod/web", PARENT));
  await link.request(message("default/podpatch/web"), 1000);
  const [store, report] = spans;
  assert.deepEqual([store?.name, report?.name], ["store", "report status"]);
  assert.equal(store?.context.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
  assert.equal(store?.parentSpanId, "00f067aa0ba902b7");
  assert.equal(report?.parentSpanId, store?.context.spanId);
  assert.match(sent[0]?.header.traceparent ?? "", new RegExp(`${report?.context.spanId}-01$`));
  await clock.advance(11 * 60_000);
  await link.request(message("default/podpatch/web"), 1000);
  assert.equal(sent[1]?.header.traceparent, undefined);
  assert.equal(spans.length, 2);
});

test("messages without a trace, and other requests, pass as they are", async () => {
  const { spans, sent, link, handler } = world();
  await handler.handle(message("default/pod/web"));
  await handler.handle(message("default/pod/other", "nonsense"));
  for (const resource of ["default/podpatch/web", "default/event/web.1", "null/nodepatch/edge-1"])
    await link.request(message(resource), 1000);
  assert.ok(sent.every(({ header }) => header.traceparent === undefined));
  assert.deepEqual(spans, []);
});
