import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { Message } from "../../message.ts";
import { acknowledgementOf, newMessage, responseTo } from "../../message-builders.ts";
import { errorStatusContent } from "../../object-response.ts";
import type { DeliveryAction } from "../delivery-protocol.ts";
import { OutboxReceipts, outboxMessageId } from "./outbox-receipts.ts";
import { digestOf } from "./set-digest.ts";
import { digestReport, setRequestMessage } from "./set-messages.ts";
import { DEFAULT_SKERRY_DELIVERY, SkerryDelivery } from "./skerry-delivery.ts";

const stamp = { clock: new ManualClock(), random: new SeededRandom() };
const STREAM = "00000000-0000-4000-8000-000000000001";

function session(receipts = new OutboxReceipts()): SkerryDelivery {
  return new SkerryDelivery(0, stamp, receipts);
}

function patch(sequence: number): Message {
  const route = { source: "edged", group: "meta", operation: "patch", resource: "default/podpatch/web" };
  const message = newMessage(stamp, route, "{}");
  return { ...message, header: { ...message.header, msg_id: outboxMessageId(STREAM, sequence) } };
}

function pod(uid: string, version: number): Message {
  const route = { source: "edgecontroller", group: "resource", operation: "update", resource: `default/pod/${uid}` };
  return newMessage(stamp, route, { metadata: { uid, name: uid } }, { resourceVersion: String(version) });
}

function kinds(actions: readonly DeliveryAction[]): string[] {
  return actions.map(({ kind }) => kind);
}

test("what the node had acknowledged goes down again after it was told to forget its versions", () => {
  const delivery = session();
  const web = pod("web", 92);
  delivery.handle({ kind: "offer", message: web }, 0);
  delivery.handle({ kind: "frame", message: acknowledgementOf(stamp, web) }, 0);
  assert.deepEqual(kinds(delivery.handle({ kind: "offer", message: pod("web", 92) }, 1)), ["delivered"]);
  delivery.handle({ kind: "offer", message: setRequestMessage(stamp, { kind: "incarnation" }) }, 2);
  assert.deepEqual(kinds(delivery.handle({ kind: "offer", message: pod("web", 92) }, 3)), ["send"]);
});

test("what a MetaServer watches never stands for the node's own object of the same UID and version", () => {
  const delivery = session();
  const own = pod("web", 92);
  const watched: Message = { ...pod("web", 92), route: { ...own.route, source: "dynamiccontroller" } };
  assert.deepEqual(kinds(delivery.handle({ kind: "offer", message: watched }, 0)), ["send"]);
  assert.deepEqual(kinds(delivery.handle({ kind: "frame", message: acknowledgementOf(stamp, watched) }, 0)), [
    "delivered",
  ]);
  assert.deepEqual(kinds(delivery.handle({ kind: "offer", message: own }, 0)), ["send"]);
  assert.deepEqual(kinds(delivery.handle({ kind: "offer", message: { ...watched, header: { ...own.header } } }, 0)), [
    "delivered",
  ]);
});

test("objects go down in a window, and are delivered when the node has committed them", () => {
  const delivery = session();
  const pods = Array.from({ length: DEFAULT_SKERRY_DELIVERY.window + 1 }, (_, index) => pod(`p${index}`, 1));
  const sent = pods.flatMap((message) => delivery.handle({ kind: "offer", message }, 0));
  assert.equal(sent.length, DEFAULT_SKERRY_DELIVERY.window);
  const [first] = pods;
  assert.ok(first);
  const actions = delivery.handle({ kind: "frame", message: acknowledgementOf(stamp, first) }, 1);
  assert.deepEqual(kinds(actions), ["delivered", "send"]);
});

test("what comes again from the outbox because its answer was lost is answered, not done again", () => {
  const receipts = new OutboxReceipts();
  const before = session(receipts);
  assert.deepEqual(kinds(before.handle({ kind: "frame", message: patch(1) }, 0)), ["dispatch"]);
  assert.deepEqual(before.handle({ kind: "frame", message: patch(1) }, 1), [], "it is being done");
  before.handle({ kind: "offer", message: responseTo(stamp, patch(1), "OK") }, 2);

  const after = session(receipts);
  const [answer, ...rest] = after.handle({ kind: "frame", message: patch(1) }, 3);
  assert.deepEqual(rest, []);
  assert.ok(answer?.kind === "send");
  assert.equal(answer.message.content, "OK");
  assert.equal(answer.message.header.parent_msg_id, outboxMessageId(STREAM, 1));
  assert.deepEqual(kinds(after.handle({ kind: "frame", message: patch(2) }, 4)), ["dispatch"]);
});

test("what the cloud could not do is done when it comes again", () => {
  const delivery = session();
  delivery.handle({ kind: "frame", message: patch(1) }, 0);
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 500 } as const;
  delivery.handle({ kind: "offer", message: responseTo(stamp, patch(1), errorStatusContent(status)) }, 1);
  assert.deepEqual(kinds(delivery.handle({ kind: "frame", message: patch(1) }, 2)), ["dispatch"]);
});

test("a report on what the node holds is handed on; one that is not well formed ends the session", () => {
  const delivery = session();
  const report = digestReport(stamp, "question", new Map([["pod", digestOf([])]]));
  assert.deepEqual(kinds(delivery.handle({ kind: "frame", message: report }, 0)), ["set-report"]);
  assert.deepEqual(kinds(delivery.handle({ kind: "frame", message: { ...report, content: "?" } }, 1)), ["close"]);
  assert.deepEqual(delivery.handle({ kind: "offer", message: pod("a", 1) }, 2), []);
  assert.equal(delivery.nextTickAtMs, undefined);
});

test("a node that falls silent is pinged and then given up", () => {
  const delivery = session();
  const ticks: string[] = [];
  for (let atMs = delivery.nextTickAtMs; atMs !== undefined; atMs = delivery.nextTickAtMs)
    for (const { kind } of delivery.handle({ kind: "tick" }, atMs)) ticks.push(`${kind} ${atMs}`);
  assert.deepEqual(ticks, ["ping 6000", "close 16000"]);
});
