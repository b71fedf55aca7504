import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, type KubernetesObject, nodes, pods } from "@skerry/api";
import { isJsonObject, type JsonObject, silentLogger, toBase64 } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import type { KubernetesApi } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import {
  type Application,
  type ApplicationOutcome,
  applicationContent,
  type Message,
  parseApplicationOutcome,
} from "@skerry/link";
import { MemoryDelegatedApi } from "../testing/memory-delegated-api.ts";
import { ScriptedCloudHub } from "../testing/scripted-cloud-hub.ts";
import { DynamicController } from "./dynamic-controller.ts";

/** What a review was asked. */
interface Asked {
  readonly user: string;
  readonly resourceAttributes: JsonObject;
}

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly hub = new ScriptedCloudHub();
  readonly memory = new MemoryKubernetesApi();
  readonly delegated = new MemoryDelegatedApi(this.memory);
  mayWatch: (asked: Asked) => boolean = () => true;
  readonly reviews: Asked[] = [];
  readonly controller = new DynamicController({
    api: this.#reviewing(),
    delegated: this.delegated,
    cloudHub: this.hub,
    clock: this.clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  #sent = 0;

  async start(delivery: "skerry" | "kubeedge" = "skerry"): Promise<this> {
    this.hub.delivery = delivery;
    await this.controller.start();
    this.hub.connect("edge-1");
    return this;
  }

  async configMap(name: string, labels: Record<string, string> = {}, namespace = "plant"): Promise<KubernetesObject> {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels } };
    const created = await this.memory.create<KubernetesObject>({ resource: configMaps, namespace }, object);
    await settle();
    return created;
  }

  async label(name: string, labels: Record<string, string>): Promise<void> {
    const target = { resource: configMaps, namespace: "plant", name };
    await this.memory.patch(target, { type: "merge", body: { metadata: { labels } } });
    await settle();
  }

  async deleteConfigMap(name: string): Promise<void> {
    await this.memory.delete({ resource: configMaps, namespace: "plant", name });
    await settle();
  }

  async send(resource: string, content: JsonObject, nodeName = "edge-1"): Promise<Message> {
    const message: Message = {
      header: { msg_id: `request-${++this.#sent}`, timestamp: 0 },
      route: { source: "metaserver", group: "dynamiccontroller", operation: "null", resource },
      content,
    };
    await this.controller.upstream.handle(nodeName, message, () => {
      throw new Error("it answers by messages of its own");
    });
    await settle();
    return message;
  }

  /** Sends an application; answers its outcome. */
  async ask(changes: Partial<Application>, nodeName = "edge-1"): Promise<ApplicationOutcome | undefined> {
    const request = await this.send("null", applicationContent(application(changes)), nodeName);
    const answer = this.hub.delivered.find(({ message }) => message.header.parent_msg_id === request.header.msg_id);
    if (!answer) return undefined;
    assert.equal(answer.nodeName, nodeName);
    assert.deepEqual(answer.message.route, {
      source: "dynamiccontroller",
      group: "resource",
      operation: "applicationResponse",
      resource: "ignore/Application/ignore",
    });
    return parseApplicationOutcome(answer.message.content);
  }

  async body(changes: Partial<Application>): Promise<JsonObject> {
    const outcome = await this.ask(changes);
    assert.ok(outcome?.kind === "approved", JSON.stringify(outcome));
    const body: unknown = JSON.parse(outcome.responseBody ?? "null");
    assert.ok(isJsonObject(body));
    return body;
  }

  async watch(changes: Partial<Application> = {}): Promise<ApplicationOutcome | undefined> {
    return this.ask({ verb: "watch", key: "/core/v1/configmaps/plant/null", id: "w1", ...changes });
  }

  /** What was sent of watched objects since the last call. */
  events(): string[] {
    return this.hub
      .takeMessages()
      .filter(({ route }) => route.operation !== "applicationResponse")
      .map(({ route, header }) => `${route.operation} ${route.resource} ${header.resourceversion}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.controller[Symbol.asyncDispose]();
  }

  /** The API with reviews answered by {@link mayWatch}. */
  #reviewing(): KubernetesApi {
    return new Proxy(this.memory, {
      get: (api, member) => {
        if (member !== "create") {
          const value: unknown = Reflect.get(api, member);
          return typeof value === "function" ? value.bind(api) : value;
        }
        return async (target: { resource: { resource: string } }, object: KubernetesObject & { spec: Asked }) => {
          assert.equal(target.resource.resource, "subjectaccessreviews");
          this.reviews.push(object.spec);
          return { ...object, status: { allowed: this.mayWatch(object.spec) } };
        };
      },
    });
  }
}

function application(changes: Partial<Application>): Application {
  const plain = { id: "a1", key: "/core/v1/configmaps/plant/null", verb: "list", nodeName: "", option: {} } as const;
  return { ...plain, subresource: "", ...changes };
}

test("requests are answered with what the API server says to the node itself", async () => {
  await using world = await new World().start();
  await world.configMap("a");
  const list = await world.body({});
  assert.equal(list["kind"], "ConfigMapList");
  // KubeEdge's edge needs kind and apiVersion in each item.
  assert.deepEqual(
    (list["items"] as JsonObject[]).map(({ kind, apiVersion }) => [kind, apiVersion]),
    [["ConfigMap", "v1"]],
  );
  const key = "/core/v1/configmaps/plant/b";
  const requestBody = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "b", namespace: "plant" },
  });
  await world.body({ verb: "create", requestBody });
  const patch = {
    Name: "b",
    PatchType: "application/merge-patch+json",
    Data: toBase64(Buffer.from('{"data":{"x":"1"}}')),
  };
  await world.body({ verb: "patch", key, option: patch });
  assert.deepEqual((await world.body({ verb: "get", key }))["data"], { x: "1" });
  await world.body({ verb: "delete", key });
  const gone = await world.ask({ verb: "get", key });
  assert.ok(gone?.kind === "rejected");
  assert.equal(gone.status.code, 404);
  assert.equal((await world.body({ verb: "get", key: "/version" }))["gitVersion"], "v1.32.0");
  assert.deepEqual(new Set(world.delegated.requests.map(({ user }) => user)), new Set(["system:node:edge-1"]));
});

test("the node is who its session says, whatever the application names", async () => {
  await using world = await new World().start();
  world.hub.connect("edge-2");
  await world.ask({ nodeName: "edge-1" }, "edge-2");
  assert.deepEqual(
    world.delegated.requests.map(({ user }) => user),
    ["system:node:edge-2"],
  );
});

test("what the API server refuses the node is refused with its own words", async () => {
  await using world = await new World().start();
  world.delegated.mayDo = () => false;
  const outcome = await world.ask({ verb: "get", key: "/core/v1/secrets/plant/key" });
  assert.ok(outcome?.kind === "rejected");
  assert.deepEqual([outcome.status.code, outcome.status.message], [403, "system:node:edge-1 may not"]);
});

test("a node that may not list all pods or nodes gets its own", async () => {
  await using world = await new World().start();
  for (const name of ["edge-1", "edge-2"]) {
    await world.memory.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name } });
    const spec = { nodeName: name, containers: [] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: `on-${name}`, namespace: "plant" }, spec };
    await world.memory.create({ resource: pods, namespace: "plant" }, pod);
  }
  world.delegated.mayDo = (_user, { query = {} }) => (query["fieldSelector"] ?? "").includes("=edge-1");
  const names = async (key: string): Promise<unknown> =>
    ((await world.body({ key }))["items"] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
  assert.deepEqual(await names("/core/v1/pods/plant/null"), ["on-edge-1"]);
  assert.deepEqual(await names("/core/v1/nodes/null/null"), ["edge-1"]);
  const others = await world.ask({ key: "/core/v1/configmaps/plant/null" });
  assert.ok(others?.kind === "rejected" && others.status.code === 403);
});

test("a watch brings each change to a Skerry node from the moment it stands, and no snapshot", async () => {
  await using world = await new World().start();
  await world.configMap("before");
  assert.deepEqual(await world.watch(), { kind: "approved" });
  world.events();
  await world.configMap("after");
  await world.label("before", { a: "1" });
  await world.deleteConfigMap("after");
  await world.configMap("elsewhere", {}, "other");
  assert.deepEqual(
    world.events().map((event) => event.replace(/ \d+$/, "")),
    ["insert plant/configmap/after", "update plant/configmap/before", "delete plant/configmap/after"],
  );
});

test("a KubeEdge node gets what is there first, as inserts", async () => {
  await using world = await new World().start("kubeedge");
  const { metadata } = await world.configMap("before");
  await world.watch();
  assert.deepEqual(world.events(), [`insert plant/configmap/before ${metadata.resourceVersion}`]);
});

test("an object that leaves a watch's selection is sent as it is now, one that is gone as its deletion", async () => {
  await using world = await new World().start();
  await world.configMap("x", { app: "pump" });
  await world.configMap("y", { app: "pump" });
  await world.watch({ option: { labelSelector: "app=pump" } });
  world.events();
  await world.label("x", { app: "valve" });
  assert.match(world.events().join(), /^update plant\/configmap\/x \d+$/);
  await world.label("x", { app: "lamp" });
  assert.deepEqual(world.events(), []);
  await world.deleteConfigMap("y");
  assert.match(world.events().join(), /^delete plant\/configmap\/y \d+$/);
});

test("a watch is refused where the API server says no, and cut down to the node's own where that helps", async () => {
  await using world = await new World().start();
  world.mayWatch = ({ resourceAttributes }) => resourceAttributes["fieldSelector"] !== undefined;
  const refused = await world.watch();
  assert.ok(refused?.kind === "rejected" && refused.status.code === 403);
  assert.match(refused.status.message ?? "", /grant it by RBAC/);
  assert.deepEqual(await world.watch({ key: "/core/v1/pods/null/null" }), { kind: "approved" });
  const create = (name: string, nodeName: string): Promise<unknown> => {
    const metadata = { name, namespace: "plant" };
    const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { nodeName, containers: [] } };
    return world.memory.create({ resource: pods, namespace: "plant" }, pod);
  };
  world.events();
  await create("theirs", "edge-2");
  await create("mine", "edge-1");
  await settle();
  assert.match(world.events().join(), /^insert plant\/pod\/mine \d+$/);
  assert.equal(world.reviews[0]?.user, "system:node:edge-1");
});

test("a right that is taken away ends the watch within five minutes", async () => {
  await using world = await new World().start();
  await world.watch();
  world.mayWatch = () => false;
  await world.clock.advance(5 * 60_000);
  const [message] = world.hub.takeMessages().filter(({ route }) => route.resource === "watchapp/sync");
  assert.ok(message && isJsonObject(message.content));
  const outcome = parseApplicationOutcome(message.content["w1"] ?? null);
  assert.ok(outcome?.kind === "rejected" && outcome.status.code === 403);
  await world.configMap("secret-plan");
  assert.deepEqual(world.events(), []);
});

test("a whole set of watches replaces the one before, and names those that were refused", async () => {
  await using world = await new World().start();
  world.mayWatch = ({ resourceAttributes }) => resourceAttributes["resource"] === "configmaps";
  await world.watch({ id: "old", key: "/core/v1/configmaps/other/null" });
  const wanted = (id: string, key: string): JsonObject => applicationContent(application({ id, key, verb: "watch" }));
  const request = await world.send("watchapp/sync", {
    new: wanted("new", "/core/v1/configmaps/plant/null"),
    bad: wanted("bad", "/core/v1/secrets/plant/null"),
    broken: { ID: "broken" },
  });
  const answer = world.hub.takeMessages().find(({ header }) => header.parent_msg_id === request.header.msg_id);
  assert.equal(answer?.route.resource, "watchapp/sync");
  assert.ok(isJsonObject(answer.content));
  assert.deepEqual(Object.keys(answer.content), ["bad"]);
  await world.configMap("x", {}, "other");
  await world.configMap("x");
  assert.match(world.events().join(), /^insert plant\/configmap\/x \d+$/);
});

test("watches end with the node's session; what nobody watches is not followed", async () => {
  await using world = await new World().start();
  world.hub.connect("edge-2");
  await world.watch();
  await world.ask({ verb: "watch", id: "w2" }, "edge-2");
  assert.equal(world.controller.feedCount, 1);
  world.hub.disconnect("edge-1");
  assert.equal(world.controller.feedCount, 1);
  await world.send("watchapp/sync", {}, "edge-2");
  assert.equal(world.controller.feedCount, 0);
  world.hub.connect("edge-1");
  await world.configMap("x");
  assert.deepEqual(world.events(), []);
});

test("a KubeEdge node that comes back has its watches still, though it does not tell them again", async () => {
  await using world = await new World().start("kubeedge");
  await world.watch();
  world.hub.disconnect("edge-1");
  await world.configMap("meanwhile");
  assert.equal(world.controller.feedCount, 0);
  world.hub.connect("edge-1");
  await settle();
  await world.configMap("after");
  assert.deepEqual(
    world.events().map((event) => event.replace(/ \d+$/, "")),
    ["insert plant/configmap/meanwhile", "insert plant/configmap/after"],
  );
});

test("a watch whose events a session refuses ends, so that the node begins anew", async () => {
  await using world = await new World().start();
  await world.watch();
  const deliver = world.hub.deliver.bind(world.hub);
  world.hub.deliver = (nodeName, message) => message.route.operation !== "insert" && deliver(nodeName, message);
  await world.configMap("x");
  const [message] = world.hub.takeMessages().filter(({ route }) => route.resource === "watchapp/sync");
  assert.ok(message && isJsonObject(message.content));
  const outcome = parseApplicationOutcome(message.content["w1"] ?? null);
  assert.ok(outcome?.kind === "rejected" && outcome.status.code === 410);
});

test("a watch of a KubeEdge node that ends while it begins is refused, and leaves nothing behind", async () => {
  await using world = await new World().start("kubeedge");
  world.hub.connect("edge-2");
  await world.configMap("before");
  await world.ask({ verb: "watch", id: "w2" }, "edge-2");
  const deliver = world.hub.deliver.bind(world.hub);
  world.hub.deliver = (nodeName, message) => message.route.operation !== "insert" && deliver(nodeName, message);
  const outcome = await world.watch();
  assert.ok(outcome?.kind === "rejected" && outcome.status.code === 410, JSON.stringify(outcome));
  world.hub.deliver = deliver;
  assert.equal((await world.watch())?.kind, "approved");
  await world.send("watchapp/sync", {}, "edge-2");
  world.events();
  const { metadata } = await world.configMap("after");
  assert.deepEqual(world.events(), [`insert plant/configmap/after ${metadata.resourceVersion}`], "told once");
});

test("requests beyond what a node may have waiting are turned away, and those that take too long given up", async () => {
  await using world = await new World().start();
  const gate = Promise.withResolvers<void>();
  world.delegated.gate = gate.promise;
  for (let count = 0; count < 4 + 64; count++) assert.equal(await world.ask({}), undefined);
  const refused = await world.ask({});
  assert.ok(refused?.kind === "rejected" && refused.status.code === 429);
  assert.equal(world.controller.turnedAwayCount, 1);
  world.hub.connect("edge-2");
  const other = world.ask({}, "edge-2");
  await world.clock.advance(9_000);
  gate.resolve();
  await settle();
  assert.equal(await other, undefined);
  const codes = world.hub.takeMessages().map(({ content }) => {
    const outcome = parseApplicationOutcome(content);
    return outcome?.kind === "rejected" ? outcome.status.code : 200;
  });
  assert.ok(codes.filter((code) => code === 504).length >= 5, codes.join());
});

test("long requests of a node wait in bounded length only", async () => {
  await using world = await new World().start();
  const gate = Promise.withResolvers<void>();
  world.delegated.gate = gate.promise;
  const requestBody = "x".repeat(1024 * 1024);
  const outcomes: unknown[] = [];
  for (let count = 0; count < 12; count++) outcomes.push(await world.ask({ verb: "create", requestBody }));
  assert.ok(world.controller.turnedAwayCount >= 5, String(world.controller.turnedAwayCount));
  gate.resolve();
  await settle();
});

test("a write is refused while it is not certain that the session is the node's only one", async () => {
  await using world = await new World().start();
  world.hub.verdict = "unknown";
  const outcome = await world.ask({ verb: "delete", key: "/core/v1/configmaps/plant/x" });
  assert.ok(outcome?.kind === "rejected" && outcome.status.code === 503);
  assert.deepEqual(world.delegated.requests, []);
});

test("what is no application is refused, not ignored", async () => {
  await using world = await new World().start();
  for (const content of [{}, { ID: "x" }, applicationContent(application({ verb: "get" }))]) {
    const request = await world.send("null", content);
    const answer = world.hub.takeMessages().find(({ header }) => header.parent_msg_id === request.header.msg_id);
    const outcome = parseApplicationOutcome(answer?.content ?? null);
    assert.ok(outcome?.kind === "rejected" && outcome.status.code === 400, JSON.stringify(answer));
  }
});
