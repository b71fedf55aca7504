import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { configMaps, type KubernetesObject } from "@skerry/api";
import { fromBase64, isJsonObject, type JsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import type { DelegatedApi, DelegatedRequest, KubernetesApi, ObjectTarget } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { Message } from "@skerry/link";
import { ScriptedCloudHub } from "../testing/scripted-cloud-hub.ts";
import { DynamicController } from "./dynamic-controller.ts";

const NODE = "edge-node-1";

/** What a KubeEdge edge with a MetaServer and its cloud said to each other. */
const recorded = readFileSync(
  new URL("../../../../fixtures/metaserver/32-edge-api-metaserver.jsonl", import.meta.url),
  "utf8",
)
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { readonly dir: string; readonly msg: Message });

const requests = recorded.flatMap(({ msg }) => (msg.route.source === "metaserver" ? [msg] : []));
const fromCloud = recorded.flatMap(({ dir, msg }) => (dir === "cloud->edge" ? [msg] : []));

function recordedAnswer(request: Message): Message {
  const answer = fromCloud.find(({ header }) => header.parent_msg_id === request.header.msg_id);
  assert.ok(answer, request.header.msg_id);
  return answer;
}

/** The content with the object in it as JSON: the order of its members means nothing. */
function readable(content: JsonValue): JsonValue {
  const body = isJsonObject(content) ? content["RespBody"] : undefined;
  return typeof body === "string" ? { ...(content as JsonObject), RespBody: bodyOf(body) } : content;
}

function bodyOf(base64: string): JsonValue {
  return JSON.parse(new TextDecoder().decode(fromBase64(base64))) as JsonValue;
}

/** An API server that has what the recorded one answered; lists as it writes them, without the items' kinds. */
class RecordedApi implements DelegatedApi {
  readonly paths: string[] = [];
  body: JsonObject = {};

  async send(_user: unknown, { method, path }: DelegatedRequest): Promise<{ status: number; text: string }> {
    this.paths.push(`${method} ${path}`);
    const { items } = this.body;
    const bare = Array.isArray(items)
      ? items.map((item) =>
          Object.fromEntries(
            Object.entries(item as JsonObject).filter(([name]) => name !== "kind" && name !== "apiVersion"),
          ),
        )
      : undefined;
    return { status: 200, text: JSON.stringify({ ...this.body, ...(bare ? { items: bare } : {}) }) };
  }
}

/** The API with the rights that the recorded cluster gave its nodes: all. */
function allowing(memory: MemoryKubernetesApi): KubernetesApi {
  return new Proxy<KubernetesApi>(memory, {
    get(api, member) {
      const value: unknown = Reflect.get(api, member);
      if (typeof value !== "function") return value;
      if (member !== "create") return value.bind(api);
      return async (target: ObjectTarget, object: KubernetesObject) =>
        target.resource.resource === "subjectaccessreviews"
          ? { ...object, status: { allowed: true } }
          : api.create(target, object);
    },
  });
}

function controllerOf(api: MemoryKubernetesApi, delegated: DelegatedApi, hub: ScriptedCloudHub): DynamicController {
  const random = new SeededRandom(1);
  const ports = {
    api: allowing(api),
    delegated,
    cloudHub: hub,
    clock: new ManualClock(),
    random,
    logger: silentLogger,
  };
  return new DynamicController(ports);
}

async function hear(controller: DynamicController, message: Message): Promise<void> {
  await controller.upstream.handle(NODE, message, () => assert.fail("it answers by messages of its own"));
  await settle();
}

test("each recorded request of a MetaServer gets the recorded cloud's answer", async () => {
  const hub = new ScriptedCloudHub();
  const delegated = new RecordedApi();
  await using controller = controllerOf(new MemoryKubernetesApi(), delegated, hub);
  await controller.start();
  hub.connect(NODE);
  for (const request of requests) {
    const { Verb } = request.content as JsonObject;
    if (Verb === "watch") continue;
    const expected = recordedAnswer(request);
    const body = (expected.content as JsonObject)["RespBody"];
    if (typeof body === "string") delegated.body = bodyOf(body) as JsonObject;
    await hear(controller, request);
    const [answer, ...rest] = hub.takeMessages();
    assert.ok(answer);
    assert.deepEqual(rest, []);
    assert.equal(answer.header.parent_msg_id, request.header.msg_id);
    assert.deepEqual(answer.route, expected.route);
    assert.deepEqual(readable(answer.content), readable(expected.content));
  }
  assert.deepEqual(delegated.paths, [
    "GET /api/v1/namespaces/default/configmaps",
    "GET /api/v1/nodes/edge-node-1",
    "GET /api/v1/namespaces/default/pods",
    "GET /apis/apps/v1/namespaces/default/deployments",
    "GET /api/v1/namespaces/default/secrets/web-sec",
  ]);
});

test("a recorded watch brings the recorded objects: those there, the one made, the one deleted", async () => {
  const hub = new ScriptedCloudHub();
  const memory = new MemoryKubernetesApi();
  await using controller = controllerOf(memory, new RecordedApi(), hub);
  await controller.start();
  hub.connect(NODE);
  const watch = requests.find(({ content }) => isJsonObject(content) && content["Verb"] === "watch");
  assert.ok(watch);
  const events = fromCloud.filter(({ route }) => route.operation === "insert" || route.operation === "delete");
  const isThere = ({ route }: Message): boolean => !route.resource?.endsWith("/watched");
  const target = { resource: configMaps, namespace: "default" };
  const create = async ({ content }: Message): Promise<void> => {
    const { metadata, ...rest } = content as unknown as KubernetesObject;
    const { resourceVersion: _version, uid: _uid, managedFields: _fields, ...kept } = metadata;
    await memory.create(target, { ...rest, metadata: kept });
    await settle();
  };
  for (const event of events.filter(isThere)) await create(event);
  await hear(controller, watch);
  for (const event of events.filter((each) => !isThere(each)))
    if (event.route.operation === "insert") await create(event);
    else {
      await memory.delete({ ...target, name: "watched" });
      await settle();
    }
  const sent = hub.takeMessages();
  const answer = sent.find(({ route }) => route.operation === "applicationResponse");
  assert.deepEqual(answer?.content, recordedAnswer(watch).content);
  const told = (messages: readonly Message[]): unknown[] =>
    messages
      .filter(({ route }) => route.operation !== "applicationResponse")
      .map(({ route, content }) => ({ route, data: (content as JsonObject)["data"] }));
  assert.deepEqual(told(sent), told(events));
  assert.ok(
    sent.every(({ route, header, content }) => {
      const { metadata } = content as unknown as KubernetesObject;
      return route.operation === "applicationResponse" || header.resourceversion === metadata.resourceVersion;
    }),
  );
});
