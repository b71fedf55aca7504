import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { WritableLayers } from "./writable-layers.ts";

test("what a container has written is counted, not anew for each who asks, and forgotten with the container", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-layers-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const upper = join(folder, "upper");
  mkdirSync(upper);
  writeFileSync(join(upper, "file"), Buffer.alloc(100_000, 1));
  const layers = new WritableLayers();
  const container = { id: "c", folder };
  const first = (await layers.measure([container])).get("c");
  assert.equal(first?.inodes, 2);
  assert.ok((first?.bytes ?? 0) >= 100_000);
  writeFileSync(join(upper, "more"), "");
  assert.deepEqual((await layers.measure([container])).get("c"), first);
  assert.deepEqual([...(await layers.measure([]))], []);
  assert.equal((await layers.measure([container])).get("c")?.inodes, 3);
});
