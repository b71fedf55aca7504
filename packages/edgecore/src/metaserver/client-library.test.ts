// A stock client library's informer over HTTP, with a cloud that a test plays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import { silentLogger } from "@skerry/base";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaServerMigrations } from "./index.ts";
import { apiListener } from "./platform/index.ts";
import { MetaWorld } from "./testing/meta-world.ts";

test("a client library's informer follows what happens, over a cut and over the end of its watch", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaServerMigrations });
  await using world = new MetaWorld(database);
  const listener = await apiListener({ enabled: true, address: "127.0.0.1", port: 0, tokenFile: "" }, silentLogger);
  await using port = await listener.listen((request) => world.server.answer(request));
  await world.cloud.put("a", { level: "1" });

  const config = new KubeConfig();
  config.loadFromOptions({
    // The library speaks plain HTTP only to who says so.
    clusters: [{ name: "edge", server: `http://127.0.0.1:${port.port}`, skipTLSVerify: true }],
    users: [{ name: "nobody" }],
    contexts: [{ name: "edge", cluster: "edge", user: "nobody" }],
    currentContext: "edge",
  });
  const core = config.makeApiClient(CoreV1Api);
  const informer = makeInformer<V1ConfigMap>(config, "/api/v1/namespaces/plant/configmaps", () =>
    core.listNamespacedConfigMap({ namespace: "plant" }),
  );
  const levels = new Map<string, string | undefined>();
  let changed = Promise.withResolvers<void>();
  const note = ({ metadata, data }: V1ConfigMap, isGone = false): void => {
    if (isGone) levels.delete(metadata?.name ?? "");
    else levels.set(metadata?.name ?? "", data?.["level"]);
    changed.resolve();
  };
  informer.on("add", (object) => note(object));
  informer.on("update", (object) => note(object));
  informer.on("delete", (object) => note(object, true));
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await changed.promise;
      changed = Promise.withResolvers<void>();
    }
  };

  await informer.start();
  try {
    await until(() => levels.get("a") === "1");
    await world.cloud.put("a", { level: "2" });
    await until(() => levels.get("a") === "2");
    world.cloud.cut();
    await world.cloud.put("b", { level: "3" });
    await world.cloud.delete("a");
    world.cloud.restore();
    await until(() => !levels.has("a") && levels.get("b") === "3");
    // Its watch ends after its time, and it watches again from where it was.
    await world.clock.advance(3_600_000);
    await world.cloud.put("b", { level: "4" });
    await until(() => levels.get("b") === "4");
    assert.deepEqual([...levels], [["b", "4"]]);
  } finally {
    await informer.stop();
  }
});
