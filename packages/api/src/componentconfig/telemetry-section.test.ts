import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { parseCloudCoreConfig } from "./cloudcore-config.ts";
import { parseEdgeCoreConfig } from "./edgecore-config.ts";

test("CloudCore keeps samples in SQLite unless a PostgreSQL is named", () => {
  const sink = (telemetry: Record<string, string | number | boolean>) =>
    parseCloudCoreConfig({ skerry: { telemetry } }).config.telemetry;
  assert.deepEqual(sink({ database: "/data/t.db", maximumDays: 1 }), {
    kind: "sqlite",
    path: "/data/t.db",
    maximumAgeMs: 86_400_000,
  });
  assert.deepEqual(sink({ postgres: "postgresql://u@h/d", maximumDays: 1 }), {
    kind: "postgresql",
    url: "postgresql://u@h/d",
    maximumAgeMs: 86_400_000,
  });
  assert.deepEqual(sink({ enable: false }), { kind: "none" });
  assert.throws(
    () => sink({ postgres: "mysql://h/d" }),
    (error) => isSkerryError(error, "CONFIG_INVALID"),
  );
});

test("EdgeCore's ring of samples is beside its database unless it is placed elsewhere or switched off", () => {
  const database = { dataSource: "/data/edgecore.db" };
  assert.equal(parseEdgeCoreConfig({ database }).config.telemetry?.path, "/data/telemetry.db");
  const telemetry = { database: "/ring.db", maximumMiB: 2, maximumDays: 1 };
  assert.deepEqual(parseEdgeCoreConfig({ database, skerry: { telemetry } }).config.telemetry, {
    path: "/ring.db",
    maximumBytes: 2 * 1024 * 1024,
    maximumAgeMs: 86_400_000,
  });
  assert.equal(parseEdgeCoreConfig({ skerry: { telemetry: { enable: false } } }).config.telemetry, undefined);
});
