import assert from "node:assert/strict";
import { test } from "node:test";
import { type Logger, silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { ScriptedCloudHub } from "../testing/scripted-cloud-hub.ts";
import { NodeOutages } from "./node-outages.ts";

function world(): { hub: ScriptedCloudHub; clock: ManualClock; lines: string[]; outages: NodeOutages } {
  const hub = new ScriptedCloudHub();
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, info: (message) => void lines.push(message) };
  let messages = 7;
  const trace: ConstructorParameters<typeof NodeOutages>[0]["cloudHub"]["trace"] = () => ({
    link: { state: "offline", sinceMs: 0, reason: "" },
    traffic: {
      coversMs: 0,
      rows: [
        { direction: "up", kind: "pod", messages, bytes: 400 },
        { direction: "up", kind: "ping", messages: 99, bytes: 400 },
        { direction: "down", kind: "pod", messages: 99, bytes: 400 },
      ],
    },
  });
  const cloudHub = Object.assign(hub, { trace });
  const outages = new NodeOutages({ cloudHub, clock, logger, nodeLimit: 2 });
  // After the listener of the outages: what comes with the session.
  hub.onSession(({ kind }) => {
    if (kind === "opened") messages += 4;
  });
  return { hub, clock, lines, outages };
}

const delivered = (hub: ScriptedCloudHub, operation: string, resource: string): void =>
  hub.acknowledge("edge-1", {
    header: { msg_id: "m", timestamp: 0 },
    route: { source: "edgecontroller", group: "resource", operation, resource },
    content: null,
  });

test("a node's outage is told in one line: since when, what was sent and deleted, what came, how long it took", async () => {
  const { hub, clock, lines, outages } = world();
  using _ = outages;
  hub.connect("edge-1");
  await clock.advance(10_000);
  assert.deepEqual(lines, [], "a node that connects for the first time was not away");
  hub.disconnect("edge-1");
  await clock.advance(125_000);
  hub.connect("edge-1");
  await clock.advance(400);
  delivered(hub, "update", "default/configmap/settings");
  delivered(hub, "update", "default/node/edge-1");
  delivered(hub, "delete", "default/pod/old");
  await clock.advance(5000);
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /^Node edge-1 is in step again\. It was away for 2m5s, since \S+Z: .+\. What differed: 1 object sent \(configmap default\/settings\), 1 object deleted there \(pod default\/old\)\. Received from it: 4 messages\. Dropped: nothing\. It took 0\.\d s\.$/,
  );
});

test("of more nodes than the limit the one that is away longest is forgotten", async () => {
  const { hub, clock, lines, outages } = world();
  using _ = outages;
  for (const name of ["edge-1", "edge-2", "edge-3"]) {
    hub.connect(name);
    hub.disconnect(name);
  }
  for (const name of ["edge-1", "edge-2", "edge-3"]) hub.connect(name);
  await clock.advance(5000);
  assert.deepEqual(
    lines.map((line) => line.slice(0, 11)),
    ["Node edge-2", "Node edge-3"],
  );
});
