import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import {
  fromBase64,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  SkerryError,
  silentLogger,
  toBase64,
} from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { endlessInputs, SeededRandom, sendEndlessly } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { RuleSources, ruleMigrations } from "../rules/index.ts";
import { localHttpServer, loopbackHttpClient } from "./platform/index.ts";
import { ServiceBus } from "./service-bus.ts";

/** A service of the node. */
class Service implements AsyncDisposable {
  readonly #server: Server;
  constructor(handle: (request: IncomingMessage, body: Buffer) => { status: number; body: Buffer | string }) {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { status, body } = handle(request, Buffer.concat(chunks));
      response.writeHead(status, { "x-served": "yes" }).end(body);
    });
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A port that nobody uses now. */
async function freePort(): Promise<number> {
  const service = new Service(() => ({ status: 200, body: "" }));
  const port = await service.start();
  await service[Symbol.asyncDispose]();
  return port;
}

class Cloud implements CloudLink {
  readonly state = { kind: "connected", sinceMs: 0 } as const;
  readonly #waiting: ((message: Message) => void)[] = [];
  /** How the cloud's router answers a request. */
  answer: (message: Message) => Promise<Message> = () => Promise.reject(new Error("no answer"));

  onState(): Disposable {
    return { [Symbol.dispose]() {} };
  }
  send(message: Message): void {
    this.#waiting.shift()?.(message);
  }
  request(message: Message): Promise<Message> {
    return this.answer(message);
  }
  /** The next message that is sent. */
  next(): Promise<Message> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

interface World extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly bus: ServiceBus;
  readonly port: number;
  readonly database: SqliteDatabase;
}

async function world(database = new SqliteDatabase({ path: ":memory:", migrations: ruleMigrations })): Promise<World> {
  const port = await freePort();
  const cloud = new Cloud();
  const bus = new ServiceBus(
    {
      client: loopbackHttpClient,
      server: localHttpServer({ address: "127.0.0.1", port }),
      urls: new RuleSources(database, "url"),
      cloudLink: cloud,
      clock: systemClock,
      random: new SeededRandom(1),
      logger: silentLogger,
    },
    60_000,
  );
  await bus.start();
  return { cloud, bus, port, database, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() };
}

function message(operation: string, resource: string, content: JsonValue = null): Message {
  const route = { source: "router_servicebus", group: "user", operation, resource };
  return { header: { msg_id: "m", timestamp: 0 }, route, content };
}

async function call(world: World, resource: string, content: JsonValue): Promise<JsonObject> {
  const answer = world.cloud.next();
  await world.bus.handle(message("POST", resource, content));
  const { route, header, content: answered } = await answer;
  assert.deepEqual(route, { source: "servicebus", group: "user", operation: "upload", resource: "" });
  assert.equal(header.parent_msg_id, "m");
  assert.ok(isJsonObject(answered));
  return answered;
}

const request = (method: string, body = "", header: JsonObject = {}): JsonObject => ({
  method,
  header,
  body: toBase64(Buffer.from(body)),
  url: "",
});

test("a service of the node gets the cloud's request and its answer goes back, bytes and all", async () => {
  await using w = await world();
  const bytes = Buffer.from([0, 255, 1]);
  await using service = new Service((incoming, body) => ({
    status: 418,
    body: Buffer.concat([Buffer.from(`${incoming.method} ${incoming.url} ${incoming.headers["x-a"]} ${body} `), bytes]),
  }));
  const port = await service.start();
  const answer = await call(w, `${port}:/api/x%3Ay?q=1`, request("PUT", "hello", { "X-A": ["1"], Host: ["evil"] }));
  assert.equal(answer["status_code"], 418);
  assert.deepEqual((answer["header"] as JsonObject)["x-served"], ["yes"]);
  assert.deepEqual(
    Buffer.from(fromBase64(String(answer["body"]))),
    Buffer.concat([Buffer.from("PUT /api/x%3Ay?q=1 1 hello "), bytes]),
  );
});

test("what cannot be called is answered, in words: KubeEdge's edge leaves the cloud waiting", async () => {
  await using w = await world();
  const port = await freePort();
  const words = async (resource: string, content: JsonValue): Promise<string> => {
    const answer = await call(w, resource, content);
    return `${answer["status_code"]} ${Buffer.from(fromBase64(String(answer["body"])))}`;
  };
  assert.match(await words(`${port}:/x`, request("GET")), /^502 SERVICEBUS_SERVICE_UNREACHABLE/);
  for (const resource of ["x:/y", "/y", "0:/y", "70000:/y", "80:y", "80:/a b", "80:/a\r\nx: y"])
    assert.match(await words(resource, request("GET")), /^400 /, resource);
  for (const content of [null, "no", 7, [], request("CONNECT"), request("a b")])
    assert.match(await words("80:/x", content), /^400 /, JSON.stringify(content));
});

test("an answer that is larger than goes over the link is cut off, and told", async () => {
  await using w = await world();
  await using service = new Service(() => ({ status: 200, body: Buffer.alloc(3 * 1024 * 1024) }));
  const answer = await call(w, `${await service.start()}:/`, request("GET"));
  assert.equal(answer["status_code"], 502);
  assert.match(String(Buffer.from(fromBase64(String(answer["body"])))), /SERVICEBUS_ANSWER_TOO_LARGE/);
});

async function ask(port: number, body: string): Promise<JsonObject> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body });
  assert.equal(response.status, 200);
  return (await response.json()) as JsonObject;
}

test("the entry for applications is open while rules want it, after a restart too", async () => {
  await using first = await world();
  const closed = () => fetch(`http://127.0.0.1:${first.port}/`);
  await assert.rejects(closed());
  await first.bus.handle(message("start", "http://stock/a"));
  assert.equal((await ask(first.port, '{"targetURL":"http://other"}'))["code"], 400);
  {
    await using again = await world(first.database);
    assert.equal((await ask(again.port, "no JSON"))["code"], 400);
  }
  await first.bus.handle(message("stop", "http:/stock/a")); // As KubeEdge's cloud writes it.
  await assert.rejects(closed());
  await first.bus.handle(message("sources", "sources", ["http://stock/b", 7]));
  assert.equal((await ask(first.port, '{"targetURL":"http://stock/a"}'))["code"], 400);
  await first.bus.handle(message("sources", "sources", []));
  await assert.rejects(closed());
});

test("an application's request reaches the cloud as it is, and its answer tells how it went", async () => {
  await using w = await world();
  await w.bus.handle(message("start", "http://stock"));
  const body = '{"method":"POST","targetURL":"http://stock","payload":{"a":1}}';
  let asked: Message | undefined;
  const answered = (operation: string, content: JsonValue) => async (sent: Message) => {
    asked = sent;
    return { header: { msg_id: "r", timestamp: 0 }, route: { operation }, content };
  };
  w.cloud.answer = answered("response", "fine");
  assert.deepEqual(await ask(w.port, body), {
    code: 200,
    msg: "receive response from cloud successfully",
    body: "fine",
  });
  assert.deepEqual(asked?.route, {
    source: "servicebus",
    group: "user",
    operation: "upload",
    resource: "http://stock",
  });
  assert.equal(Buffer.from(fromBase64(String(asked?.content))).toString(), body);
  w.cloud.answer = answered("error", "the target is away");
  assert.deepEqual(await ask(w.port, body), { code: 502, msg: "the target is away", body: "" });
  w.cloud.answer = () => Promise.reject(new SkerryError({ code: "LINK_DISCONNECTED", message: "offline", advice: "" }));
  assert.deepEqual(await ask(w.port, body), { code: 503, msg: "LINK_DISCONNECTED: offline", body: "" });
});

test("a body that is too large, and any input without end, is cut off", async () => {
  await using w = await world();
  await w.bus.handle(message("start", "http://stock"));
  const response = await fetch(`http://127.0.0.1:${w.port}/`, {
    method: "POST",
    body: Buffer.alloc(3 * 1024 * 1024),
  }).catch((error: unknown) => error);
  assert.ok(!(response instanceof Response) || response.status === 413);
  for (const kind of endlessInputs) assert.ok((await sendEndlessly(w.port, kind)) < 32 * 1024 * 1024, kind);
  assert.equal((await ask(w.port, "{}"))["code"], 400);
});
