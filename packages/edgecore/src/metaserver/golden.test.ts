import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { disposable, fromBase64, type JsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import type { CloudLink, CloudLinkState } from "../edgehub/cloud-link.ts";
import { metaServerMigrations } from "./index.ts";
import { MetaServer } from "./meta-server.ts";
import { ScriptedMetaStore } from "./testing/meta-world.ts";

/** What a KubeEdge edge with a MetaServer and its cloud said to each other. */
const recorded = readFileSync(
  new URL("../../../../fixtures/metaserver/32-edge-api-metaserver.jsonl", import.meta.url),
  "utf8",
)
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { readonly dir: string; readonly msg: Message });
const fromCloud = recorded.filter(({ dir }) => dir === "cloud->edge").map(({ msg }) => msg);
const watched = fromCloud.filter(({ route }) => route.operation === "insert" || route.operation === "delete");

/** The recorded cloud: it answers what it was asked in the recording, and nothing else. */
class RecordedCloud implements CloudLink {
  readonly state: CloudLinkState = { kind: "connected", sinceMs: 0 };
  /** Requests that came, as `<verb> <key>`. */
  readonly asked: string[] = [];
  /** What the edge acknowledged, as the resource. */
  readonly acknowledged: string[] = [];

  onState(): Disposable {
    return disposable(() => {});
  }

  send({ route, content }: Message): void {
    assert.deepEqual([route.source, route.operation, content], ["dynamiccontroller", "response", "OK"]);
    this.acknowledged.push(route.resource ?? "");
  }

  async request(message: Message): Promise<Message> {
    await Promise.resolve();
    const same = recorded.find(
      ({ msg }) => msg.route.source === "metaserver" && sameRequest(msg.content, message.content),
    );
    assert.ok(same, JSON.stringify(message.content));
    assert.deepEqual(message.route, same.msg.route);
    const { ID, Verb, Key } = message.content as JsonObject;
    this.asked.push(`${String(Verb)} ${String(Key)}`);
    const answer = fromCloud.find(({ header }) => header.parent_msg_id === same.msg.header.msg_id);
    assert.ok(answer);
    const content = { ...(answer.content as JsonObject), ID: ID ?? "" };
    return { ...answer, header: { ...answer.header, parent_msg_id: message.header.msg_id }, content };
  }
}

/** The same but for its name; KubeEdge leaves out of a watch's options what ours always says. */
function sameRequest(one: JsonValue, other: JsonValue): boolean {
  const shape = (content: JsonValue): string => {
    const { ID: _id, Option, ...rest } = content as JsonObject;
    return JSON.stringify(
      Object.entries({ ...rest, Option: rest["Verb"] === "watch" ? null : (Option ?? null) }).sort(),
    );
  };
  return shape(one) === shape(other);
}

function metaServer(database: SqliteDatabase, cloudLink: CloudLink): MetaServer {
  return new MetaServer({
    database,
    meta: new ScriptedMetaStore(),
    cloudLink,
    nodeName: "edge-node-1",
    listener: { listen: () => Promise.reject(new Error("the test asks directly")) },
    clock: new ManualClock(),
    random: new SeededRandom(1),
    logger: silentLogger,
  });
}

function requestOf(url: string, signal: AbortSignal): Parameters<MetaServer["answer"]>[0] {
  const [path = "", query = ""] = url.split("?");
  return { method: "GET", path, query: new URLSearchParams(query), headers: {}, body: "", signal, hasToken: true };
}

test("requests go up as the recorded edge sent them, and the recorded answers are what clients get", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaServerMigrations });
  const cloud = new RecordedCloud();
  await using server = metaServer(database, cloud);
  for (const url of [
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/nodes/edge-node-1",
    "/api/v1/namespaces/default/pods",
    "/apis/apps/v1/namespaces/default/deployments",
    "/api/v1/namespaces/default/secrets/web-sec",
  ]) {
    const { status, body } = await server.answer(requestOf(url, new AbortController().signal));
    assert.equal(status, 200, url);
    assert.ok(typeof body === "string");
    const key = cloud.asked.at(-1)?.split(" ")[1];
    const answer = fromCloud.find(({ content }) => (content as JsonObject)["Key"] === key);
    const expected = String((answer?.content as JsonObject | undefined)?.["RespBody"]);
    assert.deepEqual(JSON.parse(body), JSON.parse(new TextDecoder().decode(fromBase64(expected))), url);
  }
  assert.deepEqual(cloud.asked, [
    "list /core/v1/configmaps/default/null",
    "get /core/v1/nodes/null/edge-node-1",
    "list /core/v1/pods/default/null",
    "list /apps/v1/deployments/default/null",
    "get /core/v1/secrets/default/web-sec",
  ]);
});

test("a watch brings what the recorded cloud sent of it, and each object is acknowledged as recorded", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaServerMigrations });
  const cloud = new RecordedCloud();
  await using server = metaServer(database, cloud);
  const gone = new AbortController();
  const url = "/api/v1/namespaces/default/configmaps?watch=true";
  const { status, body } = await server.answer(requestOf(url, gone.signal));
  assert.equal(status, 200);
  assert.ok(typeof body !== "string");
  const events: string[] = [];
  const reading = (async () => {
    for await (const line of body) {
      const { type, object } = JSON.parse(line) as { type: string; object: KubernetesObject };
      events.push(`${type} ${object.metadata.name}`);
    }
  })();
  for (const message of watched) {
    await server.handle(message);
    await settle();
  }
  gone.abort();
  await reading;
  // The edge's own watch in the recording, without what its client had to be told at its start.
  assert.deepEqual(
    events.filter((event) => event.endsWith(" watched")),
    ["ADDED watched", "DELETED watched"],
  );
  assert.deepEqual(
    cloud.acknowledged,
    recorded
      .filter(({ dir, msg }) => dir === "edge->cloud" && msg.route.source === "dynamiccontroller")
      .map(({ msg }) => msg.route.resource),
  );
});
