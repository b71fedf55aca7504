import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkConnection } from "@skerry/link";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { Trace } from "./trace.ts";
import { VirtualClock } from "./virtual-clock.ts";

const PINGS = 20;

/** How many pings an edge sends until it is told that its connection is dead, after its cloud has lost power; undefined: never. */
async function pingsUntilReset(seed: number): Promise<number | undefined> {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork(clock, new SeededRandom(seed), new Trace(), () => {});
  await network.listener("cloud-1")(
    () => {},
    () => ({ kind: "admitted" }),
  );
  const identity = { name: "edge-1", groups: [], certificateFingerprint: "edge-1" };
  let connection: LinkConnection | undefined;
  const dialled = network.dialer(identity).dial("wss://cloud-1:10000/events", {}, new AbortController().signal);
  void dialled.then((opened) => {
    connection = opened;
  });
  await clock.advance(1_000);
  assert.ok(connection);
  let isClosed = false;
  connection.start({
    onFrame: () => {},
    onClose: () => {
      isClosed = true;
    },
  });
  network.losePower("cloud-1");
  for (let pings = 1; pings <= PINGS; pings++) {
    connection.ping();
    await clock.advance(1_000);
    if (isClosed) return pings;
  }
  return undefined;
}

test("a connection to a machine that lost its power is reset by the first that comes there, or never", async () => {
  const seen = new Set<number | undefined>();
  for (let seed = 1; seed <= 20; seed++) seen.add(await pingsUntilReset(seed));
  assert.deepEqual(seen, new Set([1, undefined]));
});
