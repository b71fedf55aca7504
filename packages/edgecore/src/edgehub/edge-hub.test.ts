import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { type Message, newMessage, responseTo } from "@skerry/link";
import { EdgeHub } from "./edge-hub.ts";
import { FakeCloud } from "./testing/fake-cloud.ts";

function world(servers: readonly string[] = ["192.0.2.1:10000"]): {
  clock: ManualClock;
  random: SeededRandom;
  cloud: FakeCloud;
  hub: EdgeHub;
  message: (resource: string, group?: string) => Message;
} {
  const clock = new ManualClock();
  const random = new SeededRandom();
  const cloud = new FakeCloud();
  const hub = new EdgeHub(
    { dialer: cloud, clock, random, logger: silentLogger },
    { nodeName: "edge-1", projectId: "project", servers },
  );
  const message = (resource: string, group = "resource"): Message =>
    newMessage({ clock, random }, { source: "edgecontroller", group, operation: "update", resource }, {});
  return { clock, random, cloud, hub, message };
}

test("EdgeHub dials with KubeEdge's address and headers, offers Skerry's delivery, and sends a keepalive at once, then each 15 s", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  await hub.start();
  await clock.advance(0);
  assert.deepEqual(cloud.dials, [
    {
      url: "wss://192.0.2.1:10000/project/edge-1/events",
      headers: { node_id: "edge-1", project_id: "project", ConnectionUse: "msg", "skerry-delivery": "1" },
    },
  ]);
  assert.equal(hub.state.kind, "connected");
  assert.equal(cloud.connection.keepaliveCount, 1);
  await clock.advance(30_000);
  assert.equal(cloud.connection.keepaliveCount, 3);
});

test("with Skerry's delivery there are no keepalives, an idle link is pinged rarely, and a dead one is still found", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  cloud.headers = { "skerry-delivery": "1" };
  await hub.start();
  await clock.advance(0);
  assert.deepEqual(hub.state, { kind: "connected", sinceMs: clock.now(), delivery: "skerry" });
  await clock.advance(10 * 60_000);
  assert.equal(cloud.connection.keepaliveCount, 0);
  const before = cloud.connection.pingCount;
  await clock.advance(10 * 60_000);
  assert.ok(cloud.connection.pingCount - before <= 30, `${cloud.connection.pingCount - before} pings in ten minutes`);
  assert.equal(cloud.connections.length, 1);
  cloud.connection.alive = false;
  await clock.advance(30_000);
  assert.equal(cloud.connections.length, 2);
});

test("EdgeHub notices a half-open link within two ping periods, tells why, and connects again", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  await hub.start();
  await clock.advance(7000);
  const states: string[] = [];
  using _subscription = hub.onState((state) => states.push(state.kind === "connected" ? "connected" : state.reason));
  cloud.connection.alive = false;
  await clock.advance(10_000);
  assert.match(states[0] ?? "", /no sign of life/);
  await clock.advance(2000);
  assert.equal(states[1], "connected");
  assert.equal(cloud.connections.length, 2);
});

test("EdgeHub reconnects within 1 to 2 s after a loss and backs off to at most 10 s while it is refused", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  await hub.start();
  await clock.advance(60_000);
  cloud.behaviour = "refuse";
  cloud.connection.drop();
  const startMs = clock.monotonicMs();
  const attemptsMs: number[] = [];
  let seen = cloud.dials.length;
  for (let step = 0; step < 600; step++) {
    await clock.advance(100);
    if (cloud.dials.length > seen) attemptsMs.push(clock.monotonicMs() - startMs);
    seen = cloud.dials.length;
  }
  const first = attemptsMs[0] ?? 0;
  assert.ok(first >= 1000 && first <= 2100, `first attempt after ${first} ms`);
  const gaps = attemptsMs.slice(1).map((atMs, index) => atMs - (attemptsMs[index] ?? 0));
  assert.ok(Math.max(...gaps) <= 10_200, `gaps ${gaps.join()}`);
  assert.ok(Math.max(...gaps) >= 4000, `gaps ${gaps.join()}`);
});

test("EdgeHub gives a hanging dial up after 5 s and dials again soon after", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  cloud.behaviour = "hang";
  await hub.start();
  await clock.advance(4900);
  assert.equal(cloud.dials.length, 1);
  cloud.behaviour = "accept";
  await clock.advance(1000);
  assert.equal(cloud.dials.length, 2);
  assert.equal(hub.state.kind, "connected");
});

test("EdgeHub comes again when a busy cloud asks it to, neither sooner nor much later", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  cloud.behaviour = "busy";
  await hub.start();
  await clock.advance(9_900);
  assert.equal(cloud.dials.length, 1);
  cloud.behaviour = "accept";
  await clock.advance(2_700);
  assert.equal(cloud.dials.length, 2);
  assert.equal(hub.state.kind, "connected");
});

/** The addresses dialled, without port and path. */
function dialled(cloud: FakeCloud): string[] {
  return cloud.dials.map(({ url }) => /^wss:\/\/([\d.]+):10000\//.exec(url)?.[1] ?? url);
}

test("EdgeHub goes over to another address within two seconds after the one it had is refused or silent", async () => {
  for (const behaviour of ["refuse", "hang"] as const) {
    const { clock, cloud, hub } = world(["192.0.2.1:10000", "192.0.2.2:10000"]);
    await using _hub = hub;
    await hub.start();
    await clock.advance(60_000);
    const [first = ""] = dialled(cloud);
    cloud.behaviourOf = (url) => (url.includes(first) ? behaviour : "accept");
    cloud.connection.drop();
    // Redial after 0.5–1 s; a silent address is given 1.5 s.
    await clock.advance(behaviour === "refuse" ? 1_200 : 2_700);
    assert.equal(hub.state.kind, "connected", behaviour);
    const [, again, other] = dialled(cloud);
    assert.equal(again, first);
    assert.notEqual(other, first);
  }
});

test("EdgeHub stays at the address that was last good, and pauses only after a round of all of them", async () => {
  const { clock, cloud, hub } = world(["192.0.2.1:10000", "192.0.2.2:10000", "192.0.2.3:10000"]);
  await using _hub = hub;
  await hub.start();
  await clock.advance(60_000);
  const [good] = dialled(cloud);
  cloud.connection.drop();
  await clock.advance(1_100);
  assert.equal(dialled(cloud)[1], good);
  await clock.advance(60_000);
  cloud.behaviour = "refuse";
  cloud.connection.drop();
  await clock.advance(1_300);
  assert.deepEqual(dialled(cloud).slice(2, 5).sort(), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  const dials = cloud.dials.length;
  await clock.advance(400);
  assert.equal(cloud.dials.length, dials);
});

test("EdgeHub tries another address when a session ends right after it began, but not at once", async () => {
  const { clock, cloud, hub } = world(["192.0.2.1:10000", "192.0.2.2:10000"]);
  await using _hub = hub;
  await hub.start();
  await clock.advance(10);
  cloud.connection.drop(1013, "as many nodes as allowed are connected");
  await clock.advance(400);
  assert.equal(cloud.dials.length, 1);
  await clock.advance(700);
  const [first, second] = dialled(cloud);
  assert.notEqual(first, second);
});

test("request() gets its answer even when it comes before send returns", async () => {
  const { clock, random, cloud, hub, message } = world();
  await using _hub = hub;
  cloud.answer = (asked) => responseTo({ clock, random }, asked, "OK");
  await hub.start();
  await clock.advance(0);
  const reply = await hub.request(message("a/pod/b"), 1000);
  assert.equal(reply.content, "OK");
});

test("request() fails at once when the session ends, when there is none, and after its timeout", async () => {
  const { clock, cloud, hub, message } = world();
  await using _hub = hub;
  await assert.rejects(hub.request(message("a/pod/b"), 1000), (error) => isSkerryError(error, "LINK_DISCONNECTED"));
  await hub.start();
  await clock.advance(0);
  const unanswered = assert.rejects(hub.request(message("a/pod/b"), 1000), (error) =>
    isSkerryError(error, "LINK_TIMEOUT"),
  );
  await clock.advance(1000);
  await unanswered;
  let stateAtFailure = "";
  const cutShort = hub.request(message("a/pod/b"), 60_000).catch((error: unknown) => {
    stateAtFailure = hub.state.kind;
    return error;
  });
  cloud.connection.drop();
  assert.ok(isSkerryError(await cutShort, "LINK_DISCONNECTED"));
  assert.equal(stateAtFailure, "disconnected");
  assert.throws(
    () => hub.send(message("a/pod/b")),
    (error) => isSkerryError(error, "LINK_DISCONNECTED"),
  );
});

test("EdgeHub hands messages to their modules in order and stops reading while a module is slow", async () => {
  const { clock, cloud, hub, message } = world();
  await using _hub = hub;
  const twins: string[] = [];
  const waiting: (() => void)[] = [];
  hub.register("devicetwin", {
    handle: (taken) => {
      twins.push(taken.route.resource ?? "");
      return new Promise((resolve) => waiting.push(resolve));
    },
  });
  await hub.start();
  await clock.advance(0);
  const sent = Array.from({ length: 200 }, (_, index) => `twin/${index}`);
  for (const resource of sent) cloud.connection.deliver(message(resource, "twin"));
  assert.ok(cloud.connection.paused);
  await clock.advance(60_000);
  assert.equal(hub.state.kind, "connected", "a link that is not read is not judged");
  while (twins.length < sent.length || waiting.length > 0) {
    waiting.shift()?.();
    await settle();
  }
  assert.deepEqual(twins, sent);
  assert.ok(!cloud.connection.paused);
});

test("EdgeHub ignores what is no message or for no module, and answers KubeEdge's reserved operations", async () => {
  const { clock, random, cloud, hub } = world();
  await using _hub = hub;
  await hub.start();
  await clock.advance(0);
  cloud.connection.deliver("this is not JSON");
  cloud.connection.deliver(newMessage({ clock, random }, { group: "nobody", operation: "update" }, null));
  const ping = newMessage({ clock, random }, { operation: "ping", resource: "x" }, null);
  cloud.connection.deliver(ping);
  assert.equal(hub.state.kind, "connected");
  assert.deepEqual(
    cloud.connection.received.map(({ header, content }) => [header.parent_msg_id, content]),
    [[ping.header.msg_id, "ack"]],
  );
});

test("disposing EdgeHub closes the session and leaves no timer", async () => {
  const { clock, cloud, hub } = world();
  await hub.start();
  await clock.advance(100);
  await hub[Symbol.asyncDispose]();
  assert.deepEqual(cloud.connection.closed, { code: 1000, reason: "EdgeCore stops" });
  assert.equal(clock.timerCount, 0);
});

test("reconnect() opens a new session at once", async () => {
  const { clock, cloud, hub } = world();
  await using _hub = hub;
  await hub.start();
  await clock.advance(100);
  hub.reconnect("the certificate was renewed");
  await clock.advance(0);
  assert.equal(cloud.connections.length, 2);
  assert.equal(hub.state.kind, "connected");
});
