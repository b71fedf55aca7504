import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../message.ts";
import { DEFAULT_KUBEEDGE_DELIVERY, KubeEdgeDelivery } from "./kubeedge-delivery.ts";
import { WaitingMessages } from "./waiting-messages.ts";

function answer(id: string, length: number): Message {
  return {
    header: { msg_id: id, timestamp: 0 },
    route: { source: "edgecontroller", group: "resource", operation: "response", resource: `default/podpatch/${id}` },
    content: "x".repeat(length),
  };
}

test("answers that wait for a node that does not read are bounded in length too: the oldest are dropped and counted", () => {
  const waiting = new WaitingMessages(100, 1000);
  for (let index = 0; index < 10; index++) waiting.push(answer(`a${index}`, 300), false);
  assert.equal(waiting.droppedCount, 7);
  assert.deepEqual(
    [waiting.shift(), waiting.shift(), waiting.shift(), waiting.shift()].map((message) => message?.header.msg_id),
    ["a7", "a8", "a9", undefined],
  );
  waiting.push(answer("large", 5000), false);
  assert.equal(waiting.shift()?.header.msg_id, "large", "one alone may be longer than all together");
});

test("what a protocol keeps for a node that does not read is bounded, and goes out when it reads again", () => {
  const delivery = new KubeEdgeDelivery(0, { ...DEFAULT_KUBEEDGE_DELIVERY, maxUnacknowledgedLength: 10_000 });
  delivery.handle({ kind: "writable", writable: false }, 0);
  for (let index = 0; index < 50; index++) delivery.handle({ kind: "offer", message: answer(`a${index}`, 1000) }, 0);
  const sent = delivery.handle({ kind: "writable", writable: true }, 0).filter(({ kind }) => kind === "send");
  assert.equal(sent.length, 9);
  assert.equal(delivery.counters.dropped, 41);
});
