import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rule, ruleEndpoints, rules } from "@skerry/api";
import { fromBase64, isJsonObject, type JsonValue, toBase64 } from "@skerry/base";
import { settle } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";
import type { HttpPoster, RestResponse } from "./http-exchange.ts";

interface Posted {
  readonly url: string;
  readonly body: string;
  readonly nodeName: string | undefined;
}

/** An HTTP service in the cloud that a test plays. */
class ScriptedService implements HttpPoster {
  readonly posted: Posted[] = [];
  status = 200;
  /** While set, answers wait. */
  gate: Promise<void> | undefined;

  async post({ url, body, headers }: Parameters<HttpPoster["post"]>[0]): Promise<{ status: number; body: string }> {
    this.posted.push({ url, body, nodeName: headers["nodename"] });
    await this.gate;
    return { status: this.status, body: `got ${body}` };
  }
}

const TIMEOUT_MS = 60_000;

class RouterWorld implements AsyncDisposable {
  readonly service = new ScriptedService();
  readonly cloud: CloudWorld = new CloudWorld(undefined, { poster: this.service, timeoutMs: TIMEOUT_MS });

  async start(): Promise<this> {
    await this.cloud.start();
    await this.cloud.createNode("edge-1");
    for (const [name, spec] of Object.entries({
      rest: { ruleEndpointType: "rest" },
      bus: { ruleEndpointType: "eventbus" },
      service: { ruleEndpointType: "servicebus", properties: { service_port: "8080" } },
    }))
      await this.cloud.create(ruleEndpoints, { metadata: { name, namespace: "plant" }, spec });
    return this;
  }

  async rule(name: string, source: string, sourceResource: object, target: string, targetResource: object) {
    const spec = { source, sourceResource, target, targetResource };
    await this.cloud.create(rules, { metadata: { name, namespace: "plant" }, spec });
  }

  request(path: string, { body = "", method = "POST", query = "" } = {}): Promise<RestResponse> {
    const { router } = this.cloud.controllers;
    assert.ok(router);
    const headers = { "x-mine": ["1"], authorization: ["Bearer secret"] };
    return router.handle(
      { method, path, query, headers, body: new TextEncoder().encode(body) },
      new AbortController().signal,
    );
  }

  async fromNode(nodeName: string, source: string, resource: string, content: JsonValue, parent?: string) {
    const message = this.cloud.message({ source, group: "user", operation: "upload", resource }, content);
    if (parent) message.header.parent_msg_id = parent;
    await this.cloud.controllers.handlers.router?.handle(nodeName, message, () => {
      throw new Error("the router answers by messages of its own");
    });
    await settle();
    return message;
  }

  async status(name: string): Promise<Rule["status"]> {
    await this.cloud.clock.advance(6_000);
    return (await this.cloud.stored<Rule>(rules)).find(({ metadata }) => metadata.name === name)?.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
  }
}

const text = (response: RestResponse): string => new TextDecoder().decode(response.body).trim();

function last(world: RouterWorld): Message {
  const message = world.cloud.hub.takeMessages().at(-1);
  assert.ok(message);
  return message;
}

test("a request reaches the node's service, and its answer the caller, with its own status", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("call", "rest", { path: "/valve" }, "service", { path: "/api" });
  await world.cloud.connect("edge-1");
  world.cloud.hub.take();
  const answer = world.request("/edge-1/plant/valve/open%20it/x:y", { body: "42", method: "PUT", query: "?a=b" });
  await settle();
  const sent = last(world);
  assert.deepEqual(sent.route, {
    source: "router_servicebus",
    group: "user",
    operation: "PUT",
    resource: "8080:/api/open%20it/x%3Ay?a=b",
  });
  assert.deepEqual(sent.content, {
    header: { "x-mine": ["1"] },
    body: toBase64(Buffer.from("42")),
    method: "PUT",
    url: "",
  });
  const content = { header: { "Content-Type": ["text/x"], Connection: ["close"] }, status_code: 404, body: "bm9uZQ==" };
  await world.fromNode("edge-2", "servicebus", "", content, sent.header.msg_id); // Not the node asked.
  await world.fromNode("edge-1", "servicebus", "", content, sent.header.msg_id);
  const response = await answer;
  assert.deepEqual([response.status, response.headers, text(response)], [404, { "content-type": ["text/x"] }, "none"]);
  assert.equal(world.cloud.hub.takeMessages().length, 0, "tried once");
  assert.deepEqual(await world.status("call"), { successMessages: 0, failMessages: 1, errors: ["edge-1: 404 none"] });
});

test("a request becomes an MQTT message; with Skerry's delivery the node says whether its broker has it", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("tell", "rest", { path: "/tell" }, "bus", { topic: "shop/floor" });
  await world.cloud.connect("edge-1");
  const answer = world.request("/edge-1/plant/tell/line1", { body: "hello" });
  await world.cloud.clock.advance(1);
  assert.deepEqual([(await answer).status, text(await answer)], [200, "message delivered"]);
  const sent = last(world);
  assert.deepEqual([sent.route.operation, sent.route.resource, sent.content], ["publish", "shop/floor/line1", "hello"]);

  world.cloud.hub.disconnect("edge-1");
  world.cloud.hub.delivery = "skerry";
  await world.cloud.connect("edge-1");
  world.cloud.hub.take();
  const refused = world.request("/edge-1/plant/tell", { body: "hello" });
  await settle();
  await world.fromNode("edge-1", "bus", "", { status_code: 503, body: "" }, last(world).header.msg_id);
  assert.equal((await refused).status, 503);
});

test("a request without a rule, a node, a connection or an answer says which", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("call", "rest", { path: "/valve" }, "service", { path: "/api" });
  const told = async (path: string) => {
    const response = await world.request(path);
    return `${response.status} ${text(response)}`;
  };
  assert.equal(await told("/edge-1/plant/other"), '404 No rule of namespace "plant" is for /other.');
  assert.equal(await told("/edge-9/plant/valve"), '404 There is no node "edge-9".');
  assert.equal(await told("/edge-1/plant/valve"), '503 The node "edge-1" is not connected to this CloudCore.');
  assert.match(await told("/edge-1/plant/valve/%2e%2e/secret"), /^400 /);
  assert.match(await told("/edge-1/plant/valve/%zz"), /^400 /);
  await world.cloud.connect("edge-1");
  const late = world.request("/edge-1/plant/valve");
  await world.cloud.clock.advance(TIMEOUT_MS);
  assert.equal((await late).status, 504);
  const left = world.request("/edge-1/plant/valve");
  await settle();
  world.cloud.hub.disconnect("edge-1");
  assert.equal((await left).status, 503);
});

test("whatever a node answers, the caller gets a response", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("call", "rest", { path: "/valve" }, "service", { path: "/api" });
  await world.cloud.connect("edge-1");
  for (const content of [null, "x", [], {}, { status_code: "200" }, { status_code: 42 }, { status_code: 1e9 }]) {
    const answer = world.request("/edge-1/plant/valve");
    await settle();
    await world.fromNode("edge-1", "servicebus", "", content, last(world).header.msg_id);
    assert.equal((await answer).status, 502, JSON.stringify(content));
  }
  const answer = world.request("/edge-1/plant/valve");
  await settle();
  const header = { "x-bad": ["a\r\nset-cookie: x"], "bad name": ["x"], "X-Good": ["1"], n: 3 };
  await world.fromNode("edge-1", "servicebus", "", { status_code: 200, header }, last(world).header.msg_id);
  assert.deepEqual((await answer).headers, { "x-good": ["1"] });
});

test("a node's MQTT messages are posted in order, one after the other; a slow target holds up nothing else", async () => {
  await using world = await new RouterWorld().start();
  const opened = Promise.withResolvers<void>();
  world.service.gate = opened.promise;
  await world.rule("up", "bus", { topic: "+/level", node_name: "edge-1" }, "rest", { resource: "http://x/in" });
  await world.cloud.connect("edge-1");
  for (const body of ["1", "2", "3"]) await world.fromNode("edge-1", "bus", "plant/tank/level", body);
  await world.fromNode("edge-1", "bus", "plant/other", "no rule");
  await world.fromNode("edge-2", "bus", "plant/tank/level", "not the rule's node");
  assert.equal(world.service.posted.length, 1);
  opened.resolve();
  await settle();
  assert.deepEqual(
    world.service.posted,
    ["1", "2", "3"].map((body) => ({ url: "http://x/in", body, nodeName: "edge-1" })),
  );
  assert.deepEqual(await world.status("up"), { successMessages: 3, failMessages: 0, errors: [] });
});

test("more than a rule's queue holds is turned away and counted", async () => {
  await using world = await new RouterWorld().start();
  const opened = Promise.withResolvers<void>();
  world.service.gate = opened.promise;
  await world.rule("up", "bus", { topic: "t", node_name: "edge-1" }, "rest", { resource: "http://x/in" });
  for (let index = 0; index < 300; index++) await world.fromNode("edge-1", "bus", "plant/t", String(index));
  opened.resolve();
  await settle();
  const status = await world.status("up");
  assert.equal(status?.successMessages, 257);
  assert.equal(status?.failMessages, 43);
  assert.equal(status?.errors?.length, 10);
});

test("an application's request is posted, decoded, and the answer goes back; a failure too", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("ask", "service", { target_url: "http://stock", node_name: "edge-1" }, "rest", {
    resource: "http://x/",
  });
  await world.cloud.connect("edge-1");
  world.cloud.hub.take();
  const asked = await world.fromNode("edge-1", "servicebus", "http://stock", toBase64(Buffer.from('{"payload":1}')));
  assert.equal(world.service.posted[0]?.body, '{"payload":1}');
  const answered = last(world);
  assert.deepEqual(
    [answered.route.source, answered.route.operation, answered.route.resource],
    ["servicebus", "response", "http://stock"],
  );
  assert.deepEqual([answered.header.parent_msg_id, answered.content], [asked.header.msg_id, 'got {"payload":1}']);

  world.service.status = 500;
  await world.fromNode("edge-1", "servicebus", "http://stock", toBase64(Buffer.from("{}")));
  const failed = last(world);
  assert.equal(failed.route.operation, "error");
  assert.match(String(failed.content), /^ROUTER_TARGET_REFUSED: http:\/\/x\/ answered with status 500/);
  await world.fromNode("edge-1", "servicebus", "http://unknown", toBase64(Buffer.from("{}")));
  assert.match(String(last(world).content), /no rule takes requests of node "edge-1" to http:\/\/unknown/);
});

test("nodes are told what rules take from them: changes, and everything when they connect", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("up", "bus", { topic: "t", node_name: "edge-1" }, "rest", { resource: "http://x/" });
  world.cloud.hub.take();
  await world.cloud.connect("edge-1");
  const told = () => world.cloud.hub.take().filter((line) => line.startsWith("router_"));
  assert.deepEqual(told(), ["router_eventbus subscribe plant/t"]);
  await world.rule("ask", "service", { target_url: "http://s", node_name: "edge-1" }, "rest", {
    resource: "http://x/",
  });
  await world.cloud.delete(rules, "up");
  assert.deepEqual(world.cloud.hub.take(), ["router_servicebus start http://s", "router_eventbus unsubscribe plant/t"]);
  await world.cloud.delete(ruleEndpoints, "service");
  assert.deepEqual(told(), ["router_servicebus stop http://s"]);

  world.cloud.hub.disconnect("edge-1");
  world.cloud.hub.delivery = "skerry";
  await world.rule("up", "bus", { topic: "t", node_name: "edge-1" }, "rest", { resource: "http://x/" });
  await world.cloud.connect("edge-1");
  const lists = () =>
    world.cloud.hub
      .takeMessages()
      .filter(({ route }) => route.group === "user")
      .map(({ route, content }) => [route.source, content]);
  assert.deepEqual(lists(), [
    ["router_eventbus", ["plant/t"]],
    ["router_servicebus", []],
  ]);
  await world.cloud.delete(rules, "up");
  assert.deepEqual(lists(), [["router_eventbus", []]]);
});

test("a rule is followed as soon as its endpoints exist, in whatever order they come", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("up", "later", { topic: "t", node_name: "edge-1" }, "rest", { resource: "http://x/" });
  await world.fromNode("edge-1", "bus", "plant/t", "lost");
  await world.cloud.create(ruleEndpoints, {
    metadata: { name: "later", namespace: "plant" },
    spec: { ruleEndpointType: "eventbus" },
  });
  await world.fromNode("edge-1", "bus", "plant/t", "found");
  assert.deepEqual(
    world.service.posted.map(({ body }) => body),
    ["found"],
  );
});

test("a body that is no text does not go to MQTT, and binary survives the way to a service", async () => {
  await using world = await new RouterWorld().start();
  await world.rule("tell", "rest", { path: "/tell" }, "bus", { topic: "t" });
  await world.rule("call", "rest", { path: "/call" }, "service", { path: "/" });
  await world.cloud.connect("edge-1");
  const { router } = world.cloud.controllers;
  const body = new Uint8Array([0xff, 0x00, 0xfe]);
  const request = { method: "POST", query: "", headers: {}, body };
  const refused = await router?.handle({ ...request, path: "/edge-1/plant/tell" }, new AbortController().signal);
  assert.equal(refused?.status, 415);
  void router?.handle({ ...request, path: "/edge-1/plant/call" }, new AbortController().signal);
  await settle();
  const { content } = last(world);
  assert.deepEqual(isJsonObject(content) && fromBase64(String(content["body"])), body);
});
