import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { errorStatusOf, keepaliveMessage, type Message, newMessage } from "@skerry/link";
import { CloudHub } from "./cloud-hub.ts";
import type { NodeObjects } from "./node-objects.ts";
import { type ScriptedEdge, ScriptedListener } from "./testing/scripted-edge.ts";

const nothing: NodeObjects = {
  ownsPod: () => false,
  mayReadConfigMap: () => false,
  mayReadSecret: () => false,
  mayUseServiceAccount: () => false,
  mayReadPersistentVolumeClaim: () => false,
  mayReadPersistentVolume: () => false,
  ownsDevice: () => false,
};

class World implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock(1_000_000);
  readonly random: SeededRandom = new SeededRandom(1);
  readonly listener: ScriptedListener = new ScriptedListener();
  readonly hub: CloudHub;
  readonly handled: string[] = [];
  #handle: () => Promise<void>;

  constructor(handle: () => Promise<void> = () => Promise.resolve()) {
    this.#handle = handle;
    const { clock, random, listener } = this;
    const api = new MemoryKubernetesApi();
    this.hub = new CloudHub({ listen: listener.listen, api, clock, random, logger: silentLogger });
  }

  async start(): Promise<this> {
    const handler = {
      handle: async (nodeName: string, message: Message): Promise<void> => {
        this.handled.push(`${nodeName} ${message.route.operation} ${message.route.resource}`);
        await this.#handle();
      },
    };
    await this.hub.start({ edgeController: handler, deviceController: handler }, nothing);
    return this;
  }

  message(operation: string, resource: string, content: JsonValue = null, source = "edged"): Message {
    return newMessage(this, { source, group: "meta", operation, resource }, content);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.hub[Symbol.asyncDispose]();
  }
}

test("a session does not outlive the certificate that it was opened with", async () => {
  await using world = await new World().start();
  const certificateExpiresAtMs = world.clock.now() + 60_000;
  const edge = world.listener.connect("edge-1", { node_id: "edge-1" }, { certificateExpiresAtMs });
  for (let time = 0; time < 12; time++) {
    assert.equal(edge.closed, undefined);
    edge.send(keepaliveMessage(world));
    await world.clock.advance(5_001);
  }
  edge.send(keepaliveMessage(world));
  assert.equal(edge.closed?.code, 1008);
  assert.match(edge.closed?.reason ?? "", /certificate .* has expired/);
  assert.deepEqual([...world.hub.connectedNodes], []);
});

test("a node that only pings, or says nothing, gets nothing more once its certificate has expired", async () => {
  await using world = await new World().start();
  const certificateExpiresAtMs = world.clock.now() + 8_000;
  const connect = (name: string): ScriptedEdge =>
    world.listener.connect(name, { node_id: name }, { certificateExpiresAtMs });
  const [pinging, silent] = [connect("pinging"), connect("silent")];
  const object = world.message(
    "update",
    "default/secret/s",
    { metadata: { name: "s", resourceVersion: "1", uid: "u" } },
    "edgecontroller",
  );
  assert.equal(world.hub.deliver("silent", object), true);
  await world.clock.advance(8_001);
  pinging.alive();
  assert.equal(world.hub.deliver("silent", object), false);
  for (const { closed } of [pinging, silent]) assert.match(closed?.reason ?? "", /certificate .* has expired/);
  assert.deepEqual([...world.hub.connectedNodes], []);
});

test("a node that sends large messages is not read faster than they are handled", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await new World(() => gate.promise).start();
  const edge = world.listener.connect("edge-1");
  const large = world.message("patch", "null/nodepatch/edge-1", "x".repeat(1024 * 1024));
  edge.send(large);
  assert.equal(edge.paused, false);
  edge.send({ ...large, header: { ...large.header, msg_id: "2" } });
  assert.equal(edge.paused, true, "two of them are enough");
  gate.resolve();
  await world.clock.advance(1);
  assert.equal(edge.paused, false);
  assert.equal(world.handled.length, 2);
});

test("a node that floods is handled at its pace and told from then on by its counter; another is answered meanwhile", async () => {
  await using world = await new World().start();
  const flooding = world.listener.connect("edge-1");
  const honest = world.listener.connect("edge-2");
  for (let round = 0; round < 100; round++) {
    for (let count = 0; count < 100 && !flooding.paused; count++)
      flooding.send(world.message("patch", "null/nodepatch/edge-1"));
    await world.clock.advance(10);
  }
  const floods = world.handled.length;
  // A burst of 2,000, and 200 a second for the second that it went on.
  assert.ok(floods >= 2_000 && floods <= 2_250, `${floods} messages were handled`);
  assert.equal(flooding.paused, true, "it is not read from");
  honest.send(world.message("patch", "null/nodepatch/edge-2"));
  await world.clock.advance(0);
  assert.equal(world.handled.filter((handled) => handled.startsWith("edge-2")).length, 1);
  const { link } = world.hub.trace("edge-1");
  assert.ok(link.state === "connected" && link.backlog.throttledCount > 0, JSON.stringify(link));
});

test("a node that never reads is cut off with the reason, others are not", async () => {
  await using world = await new World().start();
  const deaf = world.listener.connect("edge-1");
  const honest = world.listener.connect("edge-2");
  deaf.bufferedBytes = 5 * 1024 * 1024;
  const live = (): void => {
    for (const edge of [deaf, honest]) edge.send(keepaliveMessage(world));
  };
  world.hub.deliver("edge-1", world.message("update", "default/configmap/settings", {}, "edgecontroller"));
  for (let time = 0; time < 12; time++) {
    assert.equal(deaf.closed, undefined);
    live();
    await world.clock.advance(5_000);
  }
  assert.equal(deaf.closed?.code, 1013);
  assert.match(deaf.closed?.reason ?? "", /does not read/);
  assert.deepEqual([...world.hub.connectedNodes], ["edge-2"]);
});

test("whatever header, source, destination or group a node invents, it stays the node of its certificate", async () => {
  await using world = await new World().start();
  const headers = { node_id: "edge-1", "x-node-id": "edge-2", project_id: "edge-2", "x-remote-user": "system:admin" };
  const edge = world.listener.connect("edge-1", headers);
  for (const source of ["edged", "edgecontroller", "devicecontroller", "edge-2", "system", "metamanager", ""])
    for (const resource of [
      "null/node/edge-2",
      "null/nodepatch/edge-2",
      "node/edge-2/null/node/edge-2",
      "kube-node-lease/lease/edge-2",
      "Null/Node/edge-1/",
      "default/secret/x",
      "default/secret/x/y",
      "default/SECRET/x",
      "kubeedge/secret/casecret",
      "default%2Fsecret%2Fx",
      "../secret/x",
    ])
      for (const operation of ["insert", "update", "patch", "query", "delete", "watch"]) {
        const message = world.message(operation, resource, { metadata: { name: "edge-1" } }, source);
        message.route.destination = "edge-2";
        message.route.group = "resource";
        edge.send(message);
      }
  await world.clock.advance(1);
  assert.deepEqual(world.handled, []);
  for (const { content } of edge.received) assert.equal(errorStatusOf(content)?.reason, "Forbidden");
});

test("a frame that is too deep, too large or no message ends its own session only, with the reason", async () => {
  await using world = await new World().start();
  const other = world.listener.connect("edge-2");
  const depth = 100_000;
  for (const [frame, reason] of [
    [`{"content":${"[".repeat(depth)}${"]".repeat(depth)}}`, /deep/],
    [`{"content":"${"x".repeat(5 * 1024 * 1024)}"}`, /bytes|large/],
    ["{", /JSON/],
    ['{"header":{"msg_id":1}}', /msg_id/],
    ["[]", /object/],
  ] as const) {
    const edge = world.listener.connect("edge-1");
    edge.sendText(frame);
    assert.equal(edge.closed?.code, 1002);
    assert.match(edge.closed?.reason ?? "", reason);
  }
  assert.equal(other.closed, undefined);
  assert.deepEqual([...world.hub.connectedNodes], ["edge-2"]);
});
