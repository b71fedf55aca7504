import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { isSkerryError, type LogFields, type Logger, silentLogger } from "@skerry/base";
import { newMessage, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "./metamanager/migrations.ts";
import { EdgeWorld } from "./metamanager/testing/edge-world.ts";
import { NodeByteBudget } from "./node-byte-budget.ts";

function node(budget: string | undefined, resourceVersion: string): KubernetesObject {
  const annotations = budget === undefined ? {} : { "skerry.io/byte-budget": budget };
  return { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1", uid: "n", resourceVersion, annotations } };
}

async function world(work: (world: EdgeWorld) => Promise<void>, logger: Logger = silentLogger): Promise<void> {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  await using edge = new EdgeWorld(database);
  edge.cloud.answer = (asked) => responseTo(edge, asked, "OK");
  await edge.connect();
  using budget = new NodeByteBudget(edge.meta, edge.hub, "edge-1", logger);
  budget.start();
  await work(edge);
}

test("the Node's annotation sets the link's byte budget, changes it and takes it away", () =>
  world(async (edge) => {
    assert.equal(edge.hub.byteBudget?.bytesPerDay, undefined);
    await edge.deliver("update", "null/node/edge-1", node("20M", "1"));
    assert.equal(edge.hub.byteBudget?.bytesPerDay, 20e6);
    await edge.deliver("update", "null/node/edge-1", node("30M, burst 1M", "2"));
    assert.equal(edge.hub.byteBudget?.burstBytes, 1e6);
    await edge.deliver("update", "null/node/edge-1", node(undefined, "3"));
    assert.equal(edge.hub.byteBudget, undefined);
  }));

test("an annotation that cannot be read is told, and the link is not limited", async () => {
  const told: LogFields[] = [];
  const logger: Logger = { ...silentLogger, warn: (_text, fields) => told.push(fields ?? {}) };
  await world(async (edge) => {
    await edge.deliver("update", "null/node/edge-1", node("plenty", "1"));
    assert.equal(edge.hub.byteBudget, undefined);
    assert.deepEqual(
      told.map(({ annotation }) => annotation),
      ["skerry.io/byte-budget=plenty"],
    );
  }, logger);
});

test("when the budget is spent telemetry and events wait, states leave one by one, and all is sent once it has filled", () =>
  world(async (edge) => {
    const keys = (): string[] => edge.meta.read((reader) => edge.meta.outbox.pending(reader)).map(({ key }) => key);
    const put = (type: string, name: string, operation: string): Promise<void> =>
      edge.meta.transaction((transaction) =>
        edge.meta.outbox.put(transaction, {
          key: name,
          source: "edged",
          group: "meta",
          operation,
          resource: `default/${type}/${name}`,
          content: "{}",
        }),
      );
    // A thousand bytes a second.
    edge.hub.setByteBudget({ bytesPerDay: 86_400_000, burstBytes: 100_000 });
    await edge.deliver("update", "default/configmap/big", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "big", namespace: "default", uid: "c", resourceVersion: "9" },
      data: { text: "x".repeat(150_000) },
    });
    assert.equal(edge.hub.byteBudget?.stage, "states-rarer");
    await put("podpatch", "first", "patch");
    await put("podpatch", "second", "patch");
    await put("event", "event", "insert");
    await edge.clock.advance(1_000);
    assert.deepEqual(keys().sort(), ["event", "second"]);
    const upload = newMessage(edge, { source: "bus", group: "user", operation: "upload", resource: "hall" }, "21");
    assert.throws(
      () => edge.hub.send(upload),
      (error) => isSkerryError(error, "LINK_BUDGET_SPENT"),
    );
    await edge.clock.advance(4 * 60_000);
    assert.deepEqual(keys(), []);
    edge.hub.send(upload);
    const { held, stage } = edge.hub.byteBudget ?? assert.fail("no budget");
    assert.equal(stage, "within");
    assert.ok(held.telemetry === 1 && held.event >= 1 && held.state >= 1, JSON.stringify(held));
  }));
