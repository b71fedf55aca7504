import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Message } from "../message.ts";
import type { DeliveryAction } from "./delivery-protocol.ts";
import { DEFAULT_KUBEEDGE_DELIVERY, KubeEdgeDelivery, type KubeEdgeDeliveryOptions } from "./kubeedge-delivery.ts";

const options: KubeEdgeDeliveryOptions = { ...DEFAULT_KUBEEDGE_DELIVERY, window: 3, maxObjects: 50 };

/** Numbers the messages of one test. */
class Messages {
  #next = 0;

  pod(uid: string, version: number | undefined, operation: "insert" | "update" | "delete" = "update"): Message {
    return {
      header: {
        msg_id: `m${this.#next++}`,
        timestamp: 0,
        ...(version === undefined ? {} : { resourceversion: String(version) }),
      },
      route: { source: "edgecontroller", group: "resource", operation, resource: `default/pod/${uid}` },
      content: { metadata: { uid, name: uid } },
    };
  }

  answer(operation: string, parent: Message, content: Message["content"] = "OK"): Message {
    return {
      header: { msg_id: `m${this.#next++}`, parent_msg_id: parent.header.msg_id, timestamp: 0 },
      route: { ...parent.route, operation },
      content,
    };
  }

  keepalive(): Message {
    return {
      header: { msg_id: `m${this.#next++}`, timestamp: 0 },
      route: { source: "websocket", group: "resource", operation: "keepalive", resource: "node" },
      content: "ping",
    };
  }
}

function sentIn(actions: readonly DeliveryAction[]): Message[] {
  return actions.flatMap((action) => (action.kind === "send" ? [action.message] : []));
}

function kindsIn(actions: readonly DeliveryAction[]): string[] {
  return actions.map((action) => action.kind);
}

test("several objects are in flight at once, but no more than the window", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const offered = ["a", "b", "c", "d"].map((uid) => make.pod(uid, 1));
  const sent = offered.flatMap((message) => sentIn(delivery.handle({ kind: "offer", message }, 0)));
  assert.deepEqual(sent, offered.slice(0, 3));
  const [first] = offered;
  assert.ok(first);
  const actions = delivery.handle({ kind: "frame", message: make.answer("response", first) }, 10);
  assert.deepEqual(actions, [
    { kind: "delivered", message: first },
    { kind: "send", message: offered[3] },
  ]);
});

test("of one object only one message is in flight, and a newer version replaces the waiting one", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const [one, two, three] = [make.pod("a", 1), make.pod("a", 2), make.pod("a", 3)];
  assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message: one }, 0)), [one]);
  assert.deepEqual(delivery.handle({ kind: "offer", message: two }, 0), []);
  assert.deepEqual(delivery.handle({ kind: "offer", message: three }, 0), []);
  assert.deepEqual(sentIn(delivery.handle({ kind: "frame", message: make.answer("response", one) }, 1)), [three]);
  assert.equal(delivery.counters.superseded, 1);
});

test("what is not acknowledged is sent again after 5 s, the same message, and then ever more rarely", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, { ...options, messageTimeoutMs: 1e9, pingAfterMs: 1e9 });
  const message = make.pod("a", 1);
  const sentAtMs: number[] = [];
  let actions = delivery.handle({ kind: "offer", message }, 0);
  for (let nowMs = 0; nowMs < 300_000; nowMs = delivery.nextTickAtMs ?? Number.POSITIVE_INFINITY) {
    if (nowMs > 0) actions = delivery.handle({ kind: "tick" }, nowMs);
    for (const sent of sentIn(actions)) {
      assert.equal(sent, message);
      sentAtMs.push(nowMs / 1000);
    }
  }
  assert.deepEqual(sentAtMs, [0, 5, 10, 20, 35, 60, 105, 170, 235]);
  assert.equal(delivery.counters.resent, sentAtMs.length - 1);
});

test("an object that is never acknowledged does not keep others waiting", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, { ...options, window: 1, messageTimeoutMs: 1e9, pingAfterMs: 1e9 });
  delivery.handle({ kind: "offer", message: make.pod("stuck", 1) }, 0);
  const other = make.pod("other", 1);
  delivery.handle({ kind: "offer", message: other }, 0);
  const sent = sentIn(delivery.handle({ kind: "tick" }, 5_000));
  assert.deepEqual(sent, [other]);
});

test("an object that the node cannot store is sent again after a rest, or at once in a newer version", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, { ...options, messageTimeoutMs: 1e9, pingAfterMs: 1e9 });
  const message = make.pod("a", 1);
  delivery.handle({ kind: "offer", message }, 0);
  const actions = delivery.handle({ kind: "frame", message: make.answer("error", message, "disk full") }, 100);
  assert.deepEqual(actions, [{ kind: "not-stored", message, reason: "disk full" }]);
  assert.deepEqual(sentIn(delivery.handle({ kind: "tick" }, 5_100)), [message]);
  const newer = make.pod("a", 2);
  delivery.handle({ kind: "frame", message: make.answer("error", message, "disk full") }, 5_200);
  assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message: newer }, 5_300)), [newer]);
  assert.equal(delivery.counters.notStored, 2);
});

test("older versions and late updates of a deleted object are not sent, a newer one is", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const offer = (message: Message, nowMs: number): Message[] =>
    sentIn(delivery.handle({ kind: "offer", message }, nowMs));
  const acknowledge = (message: Message): void => {
    delivery.handle({ kind: "frame", message: make.answer("response", message) }, 0);
  };
  const five = make.pod("a", 5);
  offer(five, 0);
  acknowledge(five);
  assert.deepEqual(offer(make.pod("a", 4), 0), []);
  assert.deepEqual(offer(make.pod("a", 5), 0), []);
  const deletion = make.pod("a", undefined, "delete");
  assert.deepEqual(offer(deletion, 0), [deletion]);
  acknowledge(deletion);
  assert.deepEqual(offer(make.pod("a", 5), 60_000), [], "a tombstone keeps the late update away");
  const back = make.pod("a", 6);
  assert.deepEqual(offer(back, 60_000), [back]);
});

test("a deletion replaces the update that waits before it", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const one = make.pod("a", 1);
  delivery.handle({ kind: "offer", message: one }, 0);
  delivery.handle({ kind: "offer", message: make.pod("a", 2) }, 0);
  const deletion = make.pod("a", 3, "delete");
  delivery.handle({ kind: "offer", message: deletion }, 0);
  delivery.handle({ kind: "offer", message: make.pod("a", 2) }, 0);
  assert.deepEqual(sentIn(delivery.handle({ kind: "frame", message: make.answer("response", one) }, 1)), [deletion]);
});

test("an object without a version that orders it is refused and counted", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const odd = make.pod("a", 1);
  odd.header.resourceversion = "abc";
  for (const message of [make.pod("a", undefined), odd])
    assert.deepEqual(kindsIn(delivery.handle({ kind: "offer", message }, 0)), ["refused"]);
  assert.equal(delivery.counters.dropped, 2);
});

test("a queried object's acknowledgement is reported, but the answer is never sent again", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, { ...options, messageTimeoutMs: 1e9, pingAfterMs: 1e9 });
  const answer = make.pod("a", 7);
  answer.route = { ...answer.route, operation: "response", resource: "default/configmap/a" };
  assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message: answer }, 0)), [answer]);
  assert.deepEqual(sentIn(delivery.handle({ kind: "tick" }, 60_000)), []);
  const acknowledgement = make.answer("response", answer);
  assert.deepEqual(delivery.handle({ kind: "frame", message: acknowledgement }, 60_000), [
    { kind: "delivered", message: answer },
  ]);
  assert.deepEqual(delivery.handle({ kind: "frame", message: acknowledgement }, 60_001), []);
  assert.equal(delivery.counters.unknownAcknowledgements, 1);
});

test("an object that an answer has brought to the node counts as delivered when it is offered in the same version", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const answer = make.pod("a", 7);
  answer.route = { ...answer.route, operation: "response", resource: "default/configmap/a" };
  delivery.handle({ kind: "offer", message: answer }, 0);
  delivery.handle({ kind: "frame", message: make.answer("response", answer) }, 0);
  const same = make.pod("a", 7);
  assert.deepEqual(delivery.handle({ kind: "offer", message: same }, 1), [{ kind: "delivered", message: same }]);
  assert.deepEqual(delivery.handle({ kind: "offer", message: make.pod("a", 6) }, 1), []);
});

test("while the connection takes nothing messages wait, the oldest unacknowledged ones beyond the limit being dropped", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, { ...options, maxUnacknowledged: 2 });
  delivery.handle({ kind: "writable", writable: false }, 0);
  const answers = ["a", "b", "c"].map((uid) => make.answer("response", make.pod(uid, 1)));
  const pod = make.pod("x", 1);
  for (const message of [pod, ...answers]) assert.deepEqual(delivery.handle({ kind: "offer", message }, 0), []);
  assert.deepEqual(sentIn(delivery.handle({ kind: "writable", writable: true }, 1)), [answers[1], answers[2], pod]);
  assert.equal(delivery.counters.dropped, 1);
});

test("a silent node is pinged and then given up, and so is one that answers pings but sends nothing", () => {
  const make = new Messages();
  const silent = new KubeEdgeDelivery(0, options);
  assert.equal(silent.nextTickAtMs, 6_000);
  assert.deepEqual(silent.handle({ kind: "tick" }, 6_000), [{ kind: "ping" }]);
  assert.equal(silent.nextTickAtMs, 11_000);
  assert.deepEqual(kindsIn(silent.handle({ kind: "tick" }, 11_000)), ["close"]);
  assert.deepEqual(silent.handle({ kind: "offer", message: make.pod("a", 1) }, 11_001), []);

  const hanging = new KubeEdgeDelivery(0, options);
  for (let nowMs = 5_000; nowMs < 30_000; nowMs += 5_000) {
    hanging.handle({ kind: "alive" }, nowMs);
    assert.deepEqual(hanging.handle({ kind: "tick" }, nowMs), []);
  }
  const [close] = hanging.handle({ kind: "tick" }, 30_000);
  assert.deepEqual(close, { kind: "close", code: 1001, reason: "no message for 30 s" });

  const busy = new KubeEdgeDelivery(0, options);
  for (let nowMs = 0; nowMs < 300_000; nowMs += 15_000) {
    busy.handle({ kind: "frame", message: make.keepalive() }, nowMs);
    for (const atMs of [nowMs + 5_000, nowMs + 10_000, nowMs + 14_999])
      for (const action of busy.handle({ kind: "tick" }, atMs)) {
        assert.equal(action.kind, "ping");
        busy.handle({ kind: "alive" }, atMs);
      }
  }
});

test("while the session does not read, the node's silence is not held against it", () => {
  const delivery = new KubeEdgeDelivery(0, options);
  delivery.handle({ kind: "reading", reading: false }, 1_000);
  assert.deepEqual(delivery.handle({ kind: "tick" }, 120_000), []);
  delivery.handle({ kind: "reading", reading: true }, 120_000);
  assert.equal(delivery.nextTickAtMs, 126_000);
});

test("keepalives, zero messages and unknown acknowledgements go no further, everything else is dispatched", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const zero: Message = { header: { msg_id: "", timestamp: 0 }, route: {}, content: null };
  const stray = make.answer("response", make.pod("a", 1));
  const failure = make.answer("error", make.pod("a", 1), "why");
  for (const message of [make.keepalive(), zero, stray, failure])
    assert.deepEqual(delivery.handle({ kind: "frame", message }, 0), []);
  const patch: Message = {
    header: { msg_id: "p", timestamp: 0 },
    route: { source: "edged", group: "meta", operation: "patch", resource: "default/podpatch/web" },
    content: "{}",
  };
  assert.deepEqual(delivery.handle({ kind: "frame", message: patch }, 0), [{ kind: "dispatch", message: patch }]);
});

test("deleting the Node object ends the session instead of being sent", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const message = make.pod("n", undefined, "delete");
  message.route = { ...message.route, resource: "null/node/edge-1" };
  assert.deepEqual(kindsIn(delivery.handle({ kind: "offer", message }, 0)), ["close"]);
});

/** One step of a random history. */
type Step =
  | { readonly kind: "offer"; readonly uid: string; readonly deletion: boolean; readonly stale: boolean }
  | { readonly kind: "acknowledge" | "reject" | "lose"; readonly which: number }
  | { readonly kind: "wait"; readonly durationMs: number }
  | { readonly kind: "writable"; readonly writable: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("offer" as const),
      uid: fc.constantFrom("a", "b", "c", "d", "e"),
      deletion: fc.nat(4).map((n) => n === 0),
      stale: fc.nat(5).map((n) => n === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("acknowledge" as const, "acknowledge" as const, "reject" as const, "lose" as const),
      which: fc.nat(10),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), durationMs: fc.integer({ min: 1, max: 20_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("writable" as const), writable: fc.boolean() }) },
);

test("whatever is lost, late or refused: versions never go back at the node, and the newest arrives", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const make = new Messages();
      const delivery = new KubeEdgeDelivery(0, {
        ...options,
        messageTimeoutMs: 1e12,
        pingAfterMs: 1e12,
        tombstoneMs: 1e12,
      });
      const newest = new Map<string, { version: number; deletion: boolean }>();
      const atNode = new Map<string, { version: number; deletion: boolean }>();
      /** Received by the node and not answered yet, by message id. */
      const unanswered = new Map<string, Message>();
      let version = 0;
      let nowMs = 0;
      const perform = (actions: readonly DeliveryAction[]): void => {
        for (const message of sentIn(actions)) {
          const uid = message.route.resource?.split("/")[2] ?? "";
          const received = {
            version: Number(message.header.resourceversion),
            deletion: message.route.operation === "delete",
          };
          const before = atNode.get(uid);
          assert.ok(!before || received.version >= before.version, `${uid} went back to ${received.version}`);
          atNode.set(uid, received);
          unanswered.set(message.header.msg_id, message);
        }
      };
      const answer = (kind: "acknowledge" | "reject" | "lose", message: Message): void => {
        unanswered.delete(message.header.msg_id);
        if (kind === "lose") return;
        const operation = kind === "acknowledge" ? "response" : "error";
        perform(delivery.handle({ kind: "frame", message: make.answer(operation, message) }, nowMs));
      };
      for (const { kind, ...rest } of steps) {
        if (kind === "offer" && "uid" in rest) {
          const current = newest.get(rest.uid);
          const stale = rest.stale && current !== undefined;
          const offered = stale ? current.version : ++version;
          const deletion = rest.deletion && !stale;
          if (!stale) newest.set(rest.uid, { version: offered, deletion });
          perform(
            delivery.handle(
              { kind: "offer", message: make.pod(rest.uid, offered, deletion ? "delete" : "update") },
              nowMs,
            ),
          );
        } else if (kind === "wait" && "durationMs" in rest) {
          nowMs += rest.durationMs;
          perform(delivery.handle({ kind: "tick" }, nowMs));
        } else if (kind === "writable" && "writable" in rest) {
          perform(delivery.handle({ kind: "writable", writable: rest.writable }, nowMs));
        } else if ("which" in rest && kind !== "offer" && kind !== "wait" && kind !== "writable") {
          const message = [...unanswered.values()][rest.which % Math.max(1, unanswered.size)];
          if (message) answer(kind, message);
        }
      }
      perform(delivery.handle({ kind: "writable", writable: true }, nowMs));
      for (
        let round = 0;
        round < 1_000 && delivery.nextTickAtMs !== undefined && delivery.nextTickAtMs < 1e11;
        round++
      ) {
        for (const message of [...unanswered.values()]) answer("acknowledge", message);
        nowMs = Math.max(nowMs, Math.min(delivery.nextTickAtMs ?? nowMs, 1e11));
        if (nowMs < 1e11) perform(delivery.handle({ kind: "tick" }, nowMs));
      }
      for (const [uid, expected] of newest)
        assert.deepEqual(
          atNode.get(uid),
          expected.deletion ? { ...expected, version: atNode.get(uid)?.version } : expected,
          uid,
        );
    }),
    { numRuns: 500 },
  );
});

test("an object that was taken from the node and still exists comes back in the same version", () => {
  const make = new Messages();
  const delivery = new KubeEdgeDelivery(0, options);
  const exchange = (message: Message): void => {
    assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message }, 0)), [message]);
    delivery.handle({ kind: "frame", message: make.answer("response", message) }, 0);
  };
  exchange(make.pod("a", 5));
  exchange(make.pod("a", undefined, "delete"));
  assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message: make.pod("a", 4, "insert") }, 0)), []);
  exchange(make.pod("a", 5, "insert"));
  assert.deepEqual(sentIn(delivery.handle({ kind: "offer", message: make.pod("a", 5, "insert") }, 0)), []);
});
