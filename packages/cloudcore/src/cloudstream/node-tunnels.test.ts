import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { Multiplexer } from "@skerry/streams";
import { connectionPair } from "@skerry/streams/testing";
import { findTunnel, type TunnelLookup } from "./find-tunnel.ts";
import { NodeTunnels } from "./node-tunnels.ts";

const request = { kind: "logs", method: "GET", path: "/containerLogs/a/b/c", query: "", headers: {} } as const;

class World {
  readonly clock: ManualClock = new ManualClock();
  readonly tunnels: NodeTunnels;
  readonly asked: string[] = [];
  /** What the node does when it is asked; false: it is not connected, or keeps its tunnel open by itself. */
  whenAsked: (nodeName: string) => boolean = () => false;

  constructor() {
    this.tunnels = new NodeTunnels({
      clock: this.clock,
      logger: silentLogger,
      nodeLimit: 10,
      askForTunnel: (nodeName) => {
        this.asked.push(nodeName);
        return this.whenAsked(nodeName);
      },
    });
  }

  find(nodeName: string): Promise<TunnelLookup> {
    return findTunnel({ tunnels: this.tunnels, peers: undefined, clock: this.clock }, nodeName, request);
  }

  /** The node's tunnel arrives. Its streams stay open until the cloud ends them. */
  arrive(nodeName: string, onDemand: boolean, certificateExpiresAtMs?: number): Multiplexer {
    const ends = connectionPair();
    const { clock } = this;
    const serve = (): Promise<void> => new Promise(() => undefined);
    const edge = new Multiplexer({ connection: ends.edge, clock, logger: silentLogger, serve });
    edge.start();
    const expiry = certificateExpiresAtMs === undefined ? {} : { certificateExpiresAtMs };
    const peer = { name: nodeName, certificateFingerprint: `of ${nodeName}`, ...expiry };
    this.tunnels.accept({ connection: ends.cloud, peer, onDemand });
    return edge;
  }
}

test("a node without a tunnel is asked for it, and whoever needs it waits until it is there", async () => {
  const world = new World();
  world.whenAsked = () => true;
  const first = world.find("edge-1");
  const second = world.find("edge-1");
  await world.clock.advance(3_000);
  world.arrive("edge-2", true);
  world.arrive("edge-1", true);
  const [found, same] = await Promise.all([first, second]);
  assert.ok(found.kind === "here" && same.kind === "here");
  assert.equal(found.tunnel, same.tunnel);
  assert.equal((await world.find("edge-1")).kind, "here");
  assert.deepEqual(world.asked, ["edge-1", "edge-1"], "once it is there nobody asks");
});

test("a node that is asked and does not come is told apart from one that is not connected", async () => {
  const world = new World();
  assert.deepEqual(await world.find("edge-1"), { kind: "none", asked: false });
  world.whenAsked = () => true;
  const waiting = world.find("edge-1");
  await world.clock.advance(10_000);
  assert.deepEqual(await waiting, { kind: "none", asked: true });
});

test("a tunnel that was asked for is closed when no stream has used it for a minute, but not before", async () => {
  const world = new World();
  const edge = world.arrive("edge-1", true);
  const found = await world.find("edge-1");
  assert.ok(found.kind === "here");
  const stream = found.tunnel.open(request);
  await world.clock.advance(10 * 60_000);
  assert.equal(edge.ended.aborted, false, "a stream is open");
  stream.close();
  await world.clock.advance(29_000);
  found.tunnel.open(request).close();
  await world.clock.advance(45_000);
  assert.equal(edge.ended.aborted, false, "it was used a moment ago");
  await world.clock.advance(60_000);
  assert.equal(edge.ended.aborted, true);
  assert.deepEqual([...world.tunnels.nodes], []);
});

test("a tunnel closed for idleness is no sign that the node is offline", async () => {
  const world = new World();
  const idle = world.arrive("edge-1", true);
  const kept = world.arrive("edge-2", false);
  await world.clock.advance(3 * 60_000);
  assert.equal(idle.ended.aborted, true);
  assert.equal(world.tunnels.offlineSinceMs("edge-1"), undefined);
  const cutMs = world.clock.now();
  kept.close("the node is cut off");
  await world.clock.settle();
  assert.equal(world.tunnels.offlineSinceMs("edge-2"), cutMs, "the end of one that a node keeps open is a sign");
});

test("a tunnel that a node keeps open by itself stays open without streams", async () => {
  const world = new World();
  const edge = world.arrive("edge-1", false);
  await world.clock.advance(60 * 60_000);
  assert.equal(edge.ended.aborted, false);
});

test("what is open, waits and was refused is counted, what tunnels refused that have ended too", async () => {
  const world = new World();
  const edge = world.arrive("edge-1", false);
  const found = await world.find("edge-1");
  assert.ok(found.kind === "here");
  assert.throws(() => {
    for (;;) found.tunnel.open(request);
  }, /48/);
  assert.deepEqual(world.tunnels.load, { openStreams: 48, refusedStreams: 1, waitingBytes: 0 });
  edge.close("the node stops");
  await world.clock.settle();
  assert.deepEqual(world.tunnels.load, { openStreams: 0, refusedStreams: 1, waitingBytes: 0 });
});

test("a tunnel ends with the certificate it was opened with, its streams too; of a renewed one with the new one", async () => {
  const world = new World();
  const startMs = world.clock.now();
  const hourMs = 60 * 60_000;
  const [used, renewed, other] = ["used", "renewed", "other"].map((name) =>
    world.arrive(name, false, startMs + hourMs),
  );
  const found = await world.find("used");
  assert.ok(found.kind === "here");
  const stream = found.tunnel.open(request);
  world.tunnels.noteRenewal({ nodeName: "renewed", oldFingerprint: "of renewed", notAfterMs: startMs + 2 * hourMs });
  world.tunnels.noteRenewal({ nodeName: "other", oldFingerprint: "of one before", notAfterMs: startMs + 2 * hourMs });
  await world.clock.advance(hourMs);
  assert.deepEqual([...world.tunnels.nodes], ["used", "renewed", "other"]);
  await world.clock.advance(1);
  assert.deepEqual([...world.tunnels.nodes], ["renewed"]);
  await assert.rejects(stream.read(), /certificate .* has expired/);
  assert.deepEqual(
    [used, renewed, other].map((edge) => edge?.ended.aborted),
    [true, false, true],
  );
  await world.clock.advance(hourMs);
  assert.deepEqual([...world.tunnels.nodes], []);
});
