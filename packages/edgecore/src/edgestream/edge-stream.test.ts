import assert from "node:assert/strict";
import { test } from "node:test";
import { Listeners, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { type FrameConnection, Multiplexer } from "@skerry/streams";
import { connectionPair } from "@skerry/streams/testing";
import type { CloudLinkState } from "../edgehub/cloud-link.ts";
import { EdgeStream } from "./edge-stream.ts";

const request = { kind: "logs", method: "GET", path: "/containerLogs/a/b/c", query: "", headers: {} } as const;

class World implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly clouds: Multiplexer[] = [];
  readonly dialled: string[] = [];
  readonly edge: EdgeStream;
  refuses = false;
  state: CloudLinkState = { kind: "disconnected", sinceMs: 0, reason: "not yet" };
  readonly #listeners: Listeners<CloudLinkState> = new Listeners(() => undefined);

  constructor() {
    const world = this;
    const { clock } = this;
    this.edge = new EdgeStream(
      {
        dialer: {
          async dial(url): Promise<FrameConnection> {
            world.dialled.push(url);
            if (world.refuses) throw new Error("nothing listens there");
            const ends = connectionPair();
            const cloud = new Multiplexer({ connection: ends.cloud, clock, logger: silentLogger });
            cloud.start();
            world.clouds.push(cloud);
            return ends.edge;
          },
        },
        cloudLink: {
          get state(): CloudLinkState {
            return world.state;
          },
          onState: (listener) => world.#listeners.add(listener),
        },
        podStreams: { serve: async (_request, stream) => stream.write(new TextEncoder().encode("served")) },
        clock,
        random: new SeededRandom(1),
        logger: silentLogger,
      },
      { servers: ["cloud:10004"], nodeName: "edge-1" },
    );
    this.edge.start();
  }

  async connect(tunnelServer?: string): Promise<void> {
    this.state = {
      kind: "connected",
      sinceMs: 0,
      delivery: "skerry",
      ...(tunnelServer === undefined ? {} : { tunnelServer }),
    };
    this.#listeners.emit(this.state);
    await this.clock.advance(100);
  }

  async serves(cloud: Multiplexer | undefined): Promise<string> {
    return Buffer.from((await cloud?.open(request).read()) ?? []).toString();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.edge[Symbol.asyncDispose]();
  }
}

test("a cloud that takes tunnels on the session's port gets one when it asks, and none before", async () => {
  await using world = new World();
  await world.connect("cloud:10000");
  await world.clock.advance(60_000);
  assert.deepEqual(world.dialled, []);
  await world.edge.handle();
  await world.clock.advance(100);
  assert.deepEqual(world.dialled, ["wss://cloud:10000/v1/kubeedge/connect"]);
  assert.equal(await world.serves(world.clouds[0]), "served");
  world.clouds[0]?.close("no stream uses it");
  await world.clock.advance(60_000);
  assert.equal(world.dialled.length, 1, "it is not opened again by itself");
  await world.edge.handle();
  await world.clock.advance(100);
  assert.equal(await world.serves(world.clouds[1]), "served");
});

test("a tunnel that is asked for while another is open takes its place; requests at once open one", async () => {
  await using world = new World();
  await world.connect("cloud:10000");
  await world.edge.handle();
  await world.edge.handle();
  await world.clock.advance(100);
  assert.equal(world.clouds.length, 1);
  await world.edge.handle();
  await world.clock.advance(3_000);
  assert.equal(world.clouds.length, 1, "it was asked for together with the first");
  assert.equal(await world.serves(world.clouds[0]), "served");
  await world.edge.handle();
  await world.clock.advance(100);
  assert.equal(world.clouds.length, 2);
  assert.equal(world.clouds[0]?.ended.aborted, true);
  assert.equal(await world.serves(world.clouds[1]), "served");
});

test("a tunnel that cannot be opened is opened when the cloud asks again", async () => {
  await using world = new World();
  await world.connect("cloud:10000");
  world.refuses = true;
  await world.edge.handle();
  await world.clock.advance(60_000);
  assert.equal(world.dialled.length, 1);
  world.refuses = false;
  await world.edge.handle();
  await world.clock.advance(100);
  assert.equal(await world.serves(world.clouds[0]), "served");
});

test("a cloud that does not ask has a tunnel on its own port as long as it is the node's", async () => {
  await using world = new World();
  await world.connect();
  assert.deepEqual(world.dialled, ["wss://cloud:10004/v1/kubeedge/connect"]);
  assert.equal(await world.serves(world.clouds[0]), "served");
  await world.connect("cloud:10000");
  assert.equal(world.clouds[0]?.ended.aborted, true);
  await world.clock.advance(60_000);
  assert.equal(world.dialled.length, 1);
});
