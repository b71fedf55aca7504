import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import fc from "fast-check";
import { readTwin, readUnreported } from "./device-table.ts";
import { annotated, model, TwinWorld } from "./testing/twin-world.ts";
import { twinReport } from "./twin-document.ts";

const root = "$hw/events/device/default/thermo-1";

async function worldWith(conflict: string, desired: Readonly<Record<string, string>> = {}): Promise<TwinWorld> {
  const world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", annotated({ "skerry.io/conflict": conflict }, desired));
  world.bus.take();
  return world;
}

/** A client on the node wants a value; returns the code of the answer. */
async function edgeWants(world: TwinWorld, value: string): Promise<unknown> {
  world.bus.take();
  await world.bus.send(`${root}/twin/update`, { twin: { led: { expected: { value } } } });
  return world.bus.take().find(({ topic }) => topic.endsWith("/result"))?.document["code"];
}

function led(world: TwinWorld): readonly [string | undefined, string | null | undefined] {
  const property = world.meta.read((reader) => readTwin(reader, "default/thermo-1")).get("led");
  return [property?.expected?.value, property?.expectedOwner];
}

test("where the cloud wins, a client's wish is refused as long as the Device has one", async () => {
  await using world = await worldWith("cloud");
  assert.equal(await edgeWants(world, "EDGE"), undefined);
  assert.deepEqual(led(world), ["EDGE", "edge"]);
  await world.fromCloud("update", annotated({ "skerry.io/conflict": "cloud" }, { led: "CLOUD" }));
  assert.deepEqual(led(world), ["CLOUD", "cloud"]);
  assert.equal(await edgeWants(world, "EDGE"), 409);
  assert.deepEqual(led(world), ["CLOUD", "cloud"]);
});

test("where the edge wins, a client's wish stays until it takes it back; then the Device's counts at once", async () => {
  await using world = await worldWith("edge", { led: "A" });
  await edgeWants(world, "EDGE");
  await world.fromCloud("update", annotated({ "skerry.io/conflict": "edge" }, { led: "B" }));
  assert.deepEqual(led(world), ["EDGE", "edge"]);
  await world.bus.send(`${root}/twin/update`, { twin: { led: { expected: { value: "" } } } });
  assert.deepEqual(led(world), ["B", "cloud"]);
});

test("where the edge wins, its wish outlives the Device's", async () => {
  await using world = await worldWith("edge", { led: "A" });
  await edgeWants(world, "EDGE");
  await world.fromCloud("update", annotated({ "skerry.io/conflict": "edge" }));
  assert.deepEqual(led(world), ["EDGE", "edge"]);
});

test("a rule that changes to the cloud's takes the Device's wish over", async () => {
  await using world = await worldWith("newest", { led: "A" });
  await edgeWants(world, "EDGE");
  assert.deepEqual(led(world), ["EDGE", "edge"]);
  await world.fromCloud("update", annotated({ "skerry.io/conflict": "cloud" }, { led: "A" }));
  assert.deepEqual(led(world), ["A", "cloud"]);
});

test("a client's wish that the Device's has replaced is told to the cloud until somebody wants something else", async () => {
  await using world = await worldWith("newest", { led: "A" });
  const replaced = (): string | null | undefined =>
    world.meta.read((reader) => readTwin(reader, "default/thermo-1")).get("led")?.replaced;
  await edgeWants(world, "EDGE");
  assert.equal(replaced(), null);
  await world.fromCloud("update", annotated({ "skerry.io/conflict": "newest" }, { led: "B" }));
  assert.deepEqual([led(world), replaced()], [["B", "cloud"], "EDGE"]);
  const unreported = world.meta.read((reader) => readUnreported(reader, "default/thermo-1"));
  const report = twinReport({ eventId: "e", timestampMs: 1 }, unreported, { withOwners: true });
  assert.match(JSON.stringify(report), /"owner":"cloud","replaced":"EDGE"/);
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "B" } } } });
  assert.equal(replaced(), "EDGE", "a reported value is no wish");
  await edgeWants(world, "AGAIN");
  assert.equal(replaced(), null);
});

test("Skerry's cloud is told who owns a wish, KubeEdge's is not", async () => {
  await using world = await worldWith("newest", { led: "A" });
  await edgeWants(world, "EDGE");
  const unreported = world.meta.read((reader) => readUnreported(reader, "default/thermo-1"));
  const head = { eventId: "e", timestampMs: 1 };
  const expectedOf = (report: JsonObject): unknown =>
    (report["twin"] as Record<string, { expected: { metadata: JsonObject } }>)["led"]?.expected.metadata["owner"];
  assert.equal(expectedOf(twinReport(head, unreported, { withOwners: true })), "edge");
  assert.equal(expectedOf(twinReport(head, unreported)), undefined);
});

/** What either side does, in the order in which it reaches the node. */
type Act = { readonly side: "edge" | "cloud"; readonly value: string };

test("whatever both sides do, the owner is who set the value, and each rule's winner wins", async () => {
  const acts = fc.array(
    fc.record({ side: fc.constantFrom("edge" as const, "cloud" as const), value: fc.constantFrom("", "a", "b", "c") }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("newest", "cloud", "edge"), acts, async (rule, steps) => {
      await using world = await worldWith(rule);
      const wishes: Record<Act["side"], string> = { edge: "", cloud: "" };
      let winner: readonly [string, Act["side"]] | undefined;
      for (const { side, value } of steps) {
        if (side === "edge") {
          if ((await edgeWants(world, value)) !== undefined) continue; // It has been told.
          wishes.edge = value;
        } else {
          if (value === wishes.cloud) continue;
          wishes.cloud = value;
          await world.fromCloud("update", annotated({ "skerry.io/conflict": rule }, { led: value }));
        }
        winner = expectedWinner(rule, wishes, side, winner);
        if (winner?.[1] !== "edge") wishes.edge = "";
        assert.deepEqual(led(world)[0], winner?.[0]);
        assert.equal(led(world)[1] ?? undefined, winner?.[1]);
      }
    }),
  );
});

/** The rules in a few words; `edge` is what the edge still wants. */
function expectedWinner(
  rule: string,
  { edge, cloud }: Record<Act["side"], string>,
  last: Act["side"],
  before: readonly [string, Act["side"]] | undefined,
): readonly [string, Act["side"]] | undefined {
  const wishOf = { edge: [edge, "edge"], cloud: [cloud, "cloud"] } as const;
  const first = rule === "edge" ? "edge" : rule === "cloud" ? "cloud" : last;
  const second = first === "edge" ? "cloud" : "edge";
  if (wishOf[first][0] !== "") return wishOf[first];
  // Of the newest, one that is taken back leaves nothing in its place.
  if (rule === "newest") return before?.[1] === last || last === "cloud" || edge === "" ? undefined : before;
  return wishOf[second][0] === "" ? undefined : wishOf[second];
}
