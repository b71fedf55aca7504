import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { type JsonObject, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { DriverContext, PropertyAccess, PropertyType } from "@skerry/mapper";
import driver from "./driver.ts";

function call(signal: AbortSignal = new AbortController().signal): DriverContext {
  return { deviceId: "default/d", signal, clock: systemClock, random: systemRandom, logger: silentLogger };
}

async function serve(
  context: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response));
  return `${await addressOf(context, server.listen(0, "127.0.0.1"))}/api`;
}

async function addressOf(context: TestContext, server: Server): Promise<string> {
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

async function property(url: string, type: PropertyType, config: JsonObject): Promise<PropertyAccess> {
  const session = await driver.open({ url, token: "secret" }, call());
  return session.property({ name: "p", type, config });
}

test("a value is read from the JSON of an address and written as JSON", async (context) => {
  const state = { sensors: [{ temperature: 21.5 }], target: 20 };
  const url = await serve(context, async (request, response) => {
    assert.equal(request.headers.authorization, "Bearer secret");
    if (request.method === "PATCH") Object.assign(state, JSON.parse(await text(request)));
    response.end(request.url === "/api/plain" ? "warm" : JSON.stringify(state));
  });
  const temperature = await property(url, "float", { path: "/state", pointer: "/sensors/0/temperature" });
  assert.equal(await temperature.read(call()), 21.5);
  const target = await property(url, "int", { path: "state", pointer: "/target", writeMethod: "PATCH" });
  await target.write?.(23, call());
  assert.equal(await target.read(call()), 23);
  assert.equal(await (await property(url, "string", { path: "plain" })).read(call()), "warm");
  await assert.rejects((await property(url, "int", { pointer: "/none" })).read(call()), /nothing at \/none/);
});

/** What is used of json-server, which has no types of its own. */
interface JsonServer {
  create(): { use(handler: unknown): void; listen(port: number, host: string): Server };
  router(content: object): unknown;
}

test("values are read from and written into a REST server of another house, json-server", async (context) => {
  const jsonServer = createRequire(import.meta.url)("json-server") as JsonServer;
  const application = jsonServer.create();
  application.use(jsonServer.router({ boiler: { water: { temperature: 21.3 }, setpoint: 20 }, fan: { on: false } }));
  const url = await addressOf(context, application.listen(0, "127.0.0.1"));
  const temperature = await property(url, "float", { path: "boiler", pointer: "/water/temperature" });
  assert.equal(await temperature.read(call()), 21.3);
  const setpoint = await property(url, "int", { path: "boiler", pointer: "/setpoint", writeMethod: "PATCH" });
  await setpoint.write?.(23, call());
  assert.equal(await setpoint.read(call()), 23);
  assert.equal(await temperature.read(call()), 21.3, "PATCH leaves the rest as it is");
  const fan = await property(url, "boolean", { path: "fan", pointer: "/on" });
  await fan.write?.(true, call());
  assert.equal(await fan.read(call()), true);
  await assert.rejects((await property(url, "int", { path: "pump" })).read(call()), /404/);
});

test("an error, a flood and a server that does not answer end the call", async (context) => {
  const url = await serve(context, (request, response) => {
    if (request.url === "/api/error") response.writeHead(503).end();
    else if (request.url === "/api/flood") response.end(Buffer.alloc(2 * 1024 * 1024, "1"));
    else if (request.url === "/api/away") response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  });
  await assert.rejects((await property(url, "int", { path: "error" })).read(call()), /503/);
  await assert.rejects((await property(url, "int", { path: "flood" })).read(call()), /more than/);
  await assert.rejects((await property(url, "int", { path: "away" })).read(call()));
  const stop = new AbortController();
  const reading = (await property(url, "int", { path: "silent" })).read(call(stop.signal));
  stop.abort(new Error("given up"));
  await assert.rejects(reading, /given up/);
  await assert.rejects(driver.open({ url: "ftp://x/" }, call()), /configData\.url/);
});
