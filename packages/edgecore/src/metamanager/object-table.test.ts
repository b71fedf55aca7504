import assert from "node:assert/strict";
import { test } from "node:test";
import { SqliteDatabase } from "@skerry/store/platform";
import fc from "fast-check";
import { metaManagerMigrations } from "./migrations.ts";
import { readObject, readObjects, removeObject, storeObject, versionOf } from "./object-table.ts";
import { pod } from "./testing/edge-world.ts";

const key = { type: "pod", namespace: "default", name: "web" };

/** Messages about one name in any order, repeated, late: versions 1–9 belong to uid-1, 11–19 to its successor, … */
const arrival = fc.record({
  deletes: fc.boolean(),
  version: fc.integer({ min: 1, max: 39 }).filter((version) => version % 10 !== 0),
});

test("in whatever order messages come, no version goes back and no deleted pod comes back (I2, I4)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { maxLength: 30 }), async (arrivals) => {
      await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
      const deleted = new Set<string>();
      let highest = 0;
      for (const { deletes, version } of arrivals) {
        const uid = `uid-${Math.floor(version / 10)}`;
        const object = pod("web", uid, String(version));
        const changes = await database.transaction((transaction) =>
          deletes ? removeObject(transaction, key, versionOf(object)) : storeObject(transaction, key, object),
        );
        if (deletes) deleted.add(uid);
        for (const change of changes) if (change.kind === "deleted") deleted.add(change.object.metadata.uid ?? "");
        const stored = database.read((reader) => readObject(reader, key));
        if (!stored) continue;
        assert.ok(!deleted.has(stored.metadata.uid ?? ""), `${stored.metadata.uid} was deleted`);
        const now = Number(stored.metadata.resourceVersion);
        // A deleted successor leaves the name free: an older pod that was never seen may still come then.
        if (deleted.size === 0) assert.ok(now >= highest, `${highest} went back to ${now}`);
        highest = Math.max(highest, now);
      }
    }),
    { numRuns: 150 },
  );
});

test("rows that hold no object, as KubeEdge leaves them, are passed over", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  await database.transaction((transaction) => {
    const insert = "INSERT INTO meta (key, type, value) VALUES (?, 'pod', ?)";
    transaction.run(insert, "default/pod/error", '{"ErrStatus":{"code":404}}');
    transaction.run(insert, "default/pod/text", "no JSON");
    transaction.run(insert, "default/pod/web", JSON.stringify(pod("web", "uid-1", "1")));
  });
  const names = database.read((reader) => readObjects(reader, "pod")).map((object) => object.metadata.name);
  assert.deepEqual(names, ["web"]);
});
