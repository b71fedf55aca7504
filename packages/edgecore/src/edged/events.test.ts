import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, silentLogger } from "@skerry/base";
import { failureStatus } from "@skerry/kube";
import { errorStatusContent, type Message, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "../metamanager/index.ts";
import { EdgeWorld } from "../metamanager/testing/edge-world.ts";
import { EventRecorder } from "./events.ts";

function openDatabase(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
}

/** An EdgeCore that speaks to a Skerry cloud, and what tells of pods there. */
function eventWorld(database: SqliteDatabase, seed?: number): { world: EdgeWorld; record: (reason: string) => void } {
  const world = new EdgeWorld(database, undefined, undefined, seed);
  world.cloud.headers = { "skerry-delivery": "1" };
  const recorder = new EventRecorder(world.meta, world.clock, silentLogger, "edge-1");
  const about = { kind: "Pod", namespace: "default", name: "web", uid: "uid-1" };
  return { world, record: (reason) => recorder.record(about, "Normal", reason, "") };
}

/** Reason, first and last time of the events that the cloud got, in their order. */
function received(messages: readonly Message[]): string[] {
  return messages.flatMap(({ route, content }) =>
    route.resource?.startsWith("default/event/") && isJsonObject(content)
      ? [[content["reason"], content["firstTimestamp"], content["lastTimestamp"]].join(" ")]
      : [],
  );
}

const pendingCount = ({ meta }: EdgeWorld): number => meta.read((reader) => meta.outbox.pending(reader)).length;

test("events before, in and after a dead link and a restart of EdgeCore arrive in order, with the times of then", async () => {
  await using database = openDatabase();
  const told: string[] = [];
  {
    const { world, record } = eventWorld(database);
    await using _before = world;
    await world.connect();
    // The link is dead already, and nobody has noticed: what is sent into it never arrives.
    record("Pulled");
    await world.clock.advance(1_000);
    record("Created");
    await world.clock.advance(4_000);
    assert.equal(pendingCount(world), 2, "nothing leaves that nobody has answered");
    world.cloud.behaviour = "refuse";
    world.cloud.connection.drop();
    await world.clock.advance(3_600_000);
    record("BackOff");
    await world.clock.advance(0);
  }
  {
    const { world, record } = eventWorld(database, 2);
    await using _after = world;
    await world.clock.advance(7_200_000);
    record("Started");
    await world.clock.advance(0);
    world.cloud.answer = (asked) => responseTo(world, asked, "OK");
    await world.connect();
    await world.clock.advance(1_000);
    told.push(...received(world.cloud.connection.received));
    assert.equal(pendingCount(world), 0);
  }
  const at = (time: string): string => `2026-01-01T${time}Z 2026-01-01T${time}Z`;
  assert.deepEqual(told, [
    `Pulled ${at("00:00:00")}`,
    `Created ${at("00:00:01")}`,
    `BackOff ${at("01:00:05")}`,
    `Started ${at("02:00:00")}`,
  ]);
});

test("while the cloud cannot take events they wait in their order, and nothing else waits for them", async () => {
  await using database = openDatabase();
  const { world, record } = eventWorld(database);
  await using _world = world;
  const down = errorStatusContent(failureStatus(503, "ServiceUnavailable", "the Kubernetes API is away"));
  let isDown = true;
  const taken: Message[] = [];
  world.cloud.answer = (asked) => {
    if (asked.route.resource?.includes("/event/") && isDown) return responseTo(world, asked, down);
    taken.push(asked);
    return responseTo(world, asked, "OK");
  };
  await world.connect();
  const reasons = Array.from({ length: 40 }, (_, index) => `Reason${index}`);
  for (const reason of reasons) record(reason);
  await world.meta.transaction((transaction) =>
    world.meta.outbox.put(transaction, {
      key: "podpatch/default/web",
      source: "edged",
      group: "meta",
      operation: "patch",
      resource: "default/podpatch/web",
      content: "status",
    }),
  );
  await world.clock.advance(0);
  assert.deepEqual(
    taken.map(({ route }) => route.resource),
    ["default/podpatch/web"],
  );
  await world.clock.advance(30 * 60_000);
  assert.equal(pendingCount(world), 40, "an outage of half an hour loses none");
  isDown = false;
  await world.clock.advance(2 * 60_000);
  assert.deepEqual(
    received(taken).map((line) => line.split(" ")[0]),
    reasons,
  );
  assert.deepEqual(world.meta.lost, { dropped: 0, refused: 0 });
});

test("an event that the cloud never answers, or never takes, is dropped in the end, counted, and the next has its turn", async () => {
  for (const answer of [undefined, errorStatusContent(failureStatus(500, "InternalError", "broken"))]) {
    await using database = openDatabase();
    const { world, record } = eventWorld(database);
    await using _world = world;
    const taken: Message[] = [];
    world.cloud.answer = (asked) => {
      const isBad = isJsonObject(asked.content) && asked.content["reason"] === "Bad";
      if (isBad) return answer === undefined ? undefined : responseTo(world, asked, answer);
      taken.push(asked);
      return responseTo(world, asked, "OK");
    };
    await world.connect();
    record("Bad");
    record("Good");
    await world.clock.advance(60_000);
    assert.deepEqual(received(taken), []);
    await world.clock.advance(10 * 60_000);
    assert.equal(received(taken).length, 1);
    assert.deepEqual([pendingCount(world), world.meta.lost.refused], [0, 1]);
  }
});

test("an outage of the API costs an event none of its tries, whatever single failure comes with its end", async () => {
  const failures = [
    errorStatusContent(failureStatus(500, "InternalError", "broken")),
    errorStatusContent(failureStatus(403, "Forbidden", "not yours")),
    undefined,
  ];
  const passing = [
    errorStatusContent(failureStatus(503, "ServiceUnavailable", "the Kubernetes API is away")),
    errorStatusContent(failureStatus(429, "TooManyRequests", "later")),
    errorStatusContent(failureStatus(504, "Timeout", "too slow")),
  ];
  for (const failure of failures) {
    await using database = openDatabase();
    const { world, record } = eventWorld(database);
    await using _world = world;
    let isDown = true;
    let downCount = 0;
    let failureCount = 0;
    const taken: Message[] = [];
    world.cloud.answer = (asked) => {
      if (isDown) return responseTo(world, asked, passing[downCount++ % passing.length] ?? null);
      if (failureCount++ === 0) return failure === undefined ? undefined : responseTo(world, asked, failure);
      taken.push(asked);
      return responseTo(world, asked, "OK");
    };
    await world.connect();
    record("First");
    record("Second");
    await world.clock.advance(10 * 60_000);
    assert.ok(downCount >= 8, `${downCount} tries in the outage`);
    isDown = false;
    await world.clock.advance(5 * 60_000);
    assert.deepEqual(
      received(taken).map((line) => line.split(" ")[0]),
      ["First", "Second"],
    );
    assert.deepEqual([pendingCount(world), world.meta.lost], [0, { dropped: 0, refused: 0 }]);
  }
});

test("an event that is forbidden twice is dropped, whatever outage was before and between", async () => {
  await using database = openDatabase();
  const { world, record } = eventWorld(database);
  await using _world = world;
  const down = errorStatusContent(failureStatus(503, "ServiceUnavailable", "the Kubernetes API is away"));
  const forbidden = errorStatusContent(failureStatus(403, "Forbidden", "not yours"));
  const script = [down, down, forbidden, down, down, forbidden];
  const tried: string[] = [];
  world.cloud.answer = (asked) => {
    tried.push(...received([asked]).map((line) => line.split(" ")[0] ?? ""));
    return responseTo(world, asked, script[tried.length - 1] ?? "OK");
  };
  await world.connect();
  record("Bad");
  record("Good");
  await world.clock.advance(10 * 60_000);
  assert.deepEqual(tried, [...script.map(() => "Bad"), "Good"]);
  assert.deepEqual([pendingCount(world), world.meta.lost.refused], [0, 1]);
});

test("what goes on is one event: added when the cloud does not have it yet, then brought up to date", async () => {
  await using database = openDatabase();
  const { world } = eventWorld(database);
  await using _world = world;
  world.cloud.answer = (asked) => responseTo(world, asked, "OK");
  const recorder = new EventRecorder(world.meta, world.clock, silentLogger, "edge-1");
  const tell = recorder.ongoing({ kind: "Pod", namespace: "default", name: "web", uid: "uid-1" }, "Normal", "Pulling");
  // Offline, so the newest takes the place of the one that waits.
  for (const message of ["10 of 30 MB", "20 of 30 MB"]) {
    tell(message);
    await world.clock.advance(10_000);
  }
  assert.equal(pendingCount(world), 1);
  await world.connect();
  await world.clock.advance(1000);
  tell("25 of 30 MB");
  await world.clock.advance(1000);
  const events = world.cloud.connection.received.filter(({ route }) => route.resource?.startsWith("default/event/"));
  assert.deepEqual(
    events.map(
      ({ route, content }) => isJsonObject(content) && [route.operation, content["message"], content["count"]],
    ),
    [
      ["insert", "20 of 30 MB", 2],
      ["update", "25 of 30 MB", 3],
    ],
  );
  assert.equal(new Set(events.map(({ route }) => route.resource)).size, 1);
});
