// PostgreSQL as the place for samples: the same contract as SQLite's.
import { test } from "node:test";
import { PostgresTelemetrySink } from "../packages/cloudcore/src/platform/postgres-telemetry-sink.ts";
import { sinkContract } from "../packages/cloudcore/src/telemetry/testing/sink-contract.ts";
import { sharedParts } from "./support/installation.ts";
import { PostgresServer } from "./support/postgres-server.ts";

test("PostgreSQL keeps samples as SQLite does", async (context) => {
  await using server = await PostgresServer.start(sharedParts);
  for (const { name, run } of sinkContract)
    await context.test(name, async () => {
      const { Client } = (await import("pg")).default;
      const client = new Client({ connectionString: server.url });
      await client.connect();
      await client.query("DROP TABLE IF EXISTS telemetry_sample, telemetry_series, telemetry_stream");
      await client.end();
      await using sink = new PostgresTelemetrySink(server.url);
      await run(sink);
    });
});
