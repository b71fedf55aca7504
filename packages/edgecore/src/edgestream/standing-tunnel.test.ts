import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { type FrameConnection, Multiplexer } from "@skerry/streams";
import { connectionPair } from "@skerry/streams/testing";
import { StandingTunnel } from "./standing-tunnel.ts";

test("the node dials again after a refusal and after a loss, and serves on the new tunnel", async () => {
  const clock = new ManualClock();
  const clouds: Multiplexer[] = [];
  const dialled: string[] = [];
  let refusals = 3;
  await using edge = new StandingTunnel(
    {
      dialer: {
        async dial(url, headers): Promise<FrameConnection> {
          dialled.push(`${url} ${headers["sessionhostnameoverride"]}`);
          if (refusals-- > 0) throw new Error("nothing listens there");
          const ends = connectionPair();
          const cloud = new Multiplexer({ connection: ends.cloud, clock, logger: silentLogger });
          cloud.start();
          clouds.push(cloud);
          return ends.edge;
        },
      },
      podStreams: { serve: async (_request, stream) => stream.write(new TextEncoder().encode("served")) },
      clock,
      random: new SeededRandom(1),
      logger: silentLogger,
    },
    { servers: ["cloud:10004"], nodeName: "edge-1" },
  );
  edge.start();
  await clock.advance(30_000);
  assert.equal(clouds.length, 1);
  assert.equal(dialled[0], "wss://cloud:10004/v1/kubeedge/connect edge-1");
  clouds[0]?.close("the cloud was restarted");
  await clock.advance(2_000);
  assert.equal(clouds.length, 2);
  const request = { kind: "logs", method: "GET", path: "/containerLogs/a/b/c", query: "", headers: {} } as const;
  const bytes = await clouds[1]?.open(request).read();
  assert.equal(Buffer.from(bytes ?? []).toString(), "served");
});
