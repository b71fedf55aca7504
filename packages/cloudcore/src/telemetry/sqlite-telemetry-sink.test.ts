import { test } from "node:test";
import { SqliteDatabase } from "@skerry/store/platform";
import { SqliteTelemetrySink, telemetrySinkMigrations } from "./sqlite-telemetry-sink.ts";
import { sinkContract } from "./testing/sink-contract.ts";

for (const { name, run } of sinkContract)
  test(`SQLite: ${name}`, async () => {
    await using sink = new SqliteTelemetrySink(
      new SqliteDatabase({ path: ":memory:", migrations: telemetrySinkMigrations }),
    );
    await run(sink);
  });
