import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "@skerry/base";
import { responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "./migrations.ts";
import { EdgeWorld, pod } from "./testing/edge-world.ts";

/** Keeps the lines that tell of an outage. */
function storyLogger(lines: string[]): Logger {
  const keep = (message: string): void => {
    if (/step with the cloud/.test(message)) lines.push(message);
  };
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
  return logger;
}

async function world(lines: string[]): Promise<EdgeWorld & AsyncDisposable> {
  const database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  const created = new EdgeWorld(database, undefined, storyLogger(lines));
  await created.connect();
  await created.clock.advance(5000);
  lines.length = 0;
  return created;
}

const put = (edge: EdgeWorld, name: string, type = "podpatch"): Promise<void> =>
  edge.meta.transaction((transaction) =>
    edge.meta.outbox.put(transaction, {
      key: `${type}/default/${name}`,
      source: "edged",
      group: "meta",
      operation: "patch",
      resource: `default/${type}/${name}`,
      content: "{}",
    }),
  );

test("an outage is told in one line: since when, what changed, what was sent, what was dropped", async () => {
  const lines: string[] = [];
  await using edge = await world(lines);
  edge.cloud.connection.drop();
  edge.cloud.behaviour = "refuse";
  await put(edge, "web");
  await put(edge, "api");
  await edge.clock.advance(60_000);
  assert.deepEqual(lines, []);
  edge.cloud.behaviour = "accept";
  edge.cloud.answer = (asked) => responseTo(edge, asked, "OK");
  await edge.clock.advance(15_000);
  await edge.deliver("update", "default/pod/web", pod("web", "uid-1", "7"));
  await edge.clock.advance(5000);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", /^In step with the cloud again\. Offline for (1m\d+s|6\d\.\d s), since \d{4}-\S+Z: /);
  assert.match(
    lines[0] ?? "",
    /Sent from here: 2 changes made while offline\. Dropped: nothing\. It took \d+\.\d s\.$/,
  );
});

test("what the cloud changed meanwhile is named", async () => {
  const lines: string[] = [];
  await using edge = await world(lines);
  edge.cloud.connection.drop();
  await edge.clock.advance(2500);
  await edge.deliver("update", "default/pod/web", pod("web", "uid-1", "7"));
  await edge.clock.advance(5000);
  assert.match(lines.join("\n"), /Meanwhile in the cloud: 1 object changed \(pod default\/web\)\./);
});

test("a cloud that leaves the changes waiting is told of after a minute, not praised", async () => {
  const lines: string[] = [];
  await using edge = await world(lines);
  edge.cloud.connection.drop();
  await put(edge, "web");
  edge.cloud.answer = (asked) => (asked.route.group === "meta" ? undefined : responseTo(edge, asked, "OK"));
  await edge.clock.advance(70_000);
  assert.match(lines.join("\n"), /^Connected again, but not in step.*Still waiting: 1 change\.$/);
});

test("two cuts within one return are one story, told from the first", async () => {
  const lines: string[] = [];
  await using edge = await world(lines);
  const sinceMs = edge.clock.now();
  edge.cloud.connection.drop();
  await edge.clock.advance(2500);
  edge.cloud.connection.drop();
  await edge.clock.advance(10_000);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.ok(lines[0]?.includes(`since ${new Date(sinceMs).toISOString().slice(0, 19)}Z`), lines[0]);
});
