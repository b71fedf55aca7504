import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubernetesObject, systemPod } from "@skerry/api";
import { type JsonObject, silentLogger } from "@skerry/base";
import { type Message, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "../metamanager/migrations.ts";
import { EdgeWorld } from "../metamanager/testing/edge-world.ts";
import { OwnPod } from "./own-pod.ts";

const NODE = "edge-1";

async function connected(): Promise<{ edge: EdgeWorld; ownPod: OwnPod } & AsyncDisposable> {
  const database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  const edge = new EdgeWorld(database);
  edge.cloud.answer = (asked) => (asked.route.group === "meta" ? responseTo(edge, asked, "OK") : undefined);
  await edge.connect();
  const { meta, hub: cloudLink, clock, random } = edge;
  const ownPod = new OwnPod({ meta, cloudLink, clock, random, logger: silentLogger }, NODE);
  ownPod.start();
  return {
    edge,
    ownPod,
    async [Symbol.asyncDispose]() {
      await ownPod[Symbol.asyncDispose]();
      await edge[Symbol.asyncDispose]();
    },
  };
}

const sent = (edge: EdgeWorld): string[] =>
  edge.cloud.connection.received.flatMap(({ route }: Message) =>
    route.operation !== "response" && route.resource?.startsWith("kubeedge/")
      ? [`${route.operation} ${route.resource}`]
      : [],
  );

/** The cloud's copy of the pod. */
function copy(extra: Partial<KubernetesObject["metadata"]> = {}): KubernetesObject {
  const made = systemPod("edgecore", NODE);
  return { ...made, metadata: { ...made.metadata, uid: "uid-1", resourceVersion: "5", ...extra } };
}

test("EdgeCore is shown as a pod once its node is registered, and is running", async () => {
  await using world = await connected();
  const { edge } = world;
  await edge.clock.advance(3000);
  assert.deepEqual(sent(edge), [], "the node is the pod's owner");
  await edge.deliver("update", `null/node/${NODE}`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: NODE, uid: "node-uid", resourceVersion: "3" },
  });
  await edge.clock.advance(1500);
  assert.deepEqual(sent(edge), ["insert kubeedge/pod/edgecore-edge-1"]);
  await edge.deliver("update", "kubeedge/pod/edgecore-edge-1", copy());
  assert.deepEqual(sent(edge).slice(1), ["patch kubeedge/podpatch/edgecore-edge-1"]);
  const patch = edge.cloud.connection.received.find(({ route }) => route.resource?.includes("podpatch"));
  const { status } = JSON.parse(String(patch?.content)) as { status: JsonObject };
  assert.equal(status["phase"], "Running");
});

test("when its pod is deleted, EdgeCore lets it go and is shown by a new one", async () => {
  await using world = await connected();
  const { edge } = world;
  await edge.deliver("update", `null/node/${NODE}`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: NODE, uid: "node-uid", resourceVersion: "3" },
  });
  await edge.deliver("update", "kubeedge/pod/edgecore-edge-1", copy());
  await edge.clock.advance(1500);
  const before = sent(edge).length;
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  await edge.deliver("update", "kubeedge/pod/edgecore-edge-1", copy({ deletionTimestamp, resourceVersion: "6" }));
  await edge.deliver("delete", "kubeedge/pod/edgecore-edge-1", copy({ deletionTimestamp, resourceVersion: "7" }));
  await edge.clock.advance(1500);
  assert.deepEqual(sent(edge).slice(before), [
    "delete kubeedge/pod/edgecore-edge-1",
    "insert kubeedge/pod/edgecore-edge-1",
  ]);
});

test("somebody else's pod of this name is left alone", async () => {
  await using world = await connected();
  const { edge } = world;
  await edge.deliver("update", "kubeedge/pod/edgecore-edge-1", copy({ annotations: {} }));
  await edge.clock.advance(3000);
  assert.deepEqual(sent(edge), []);
});
