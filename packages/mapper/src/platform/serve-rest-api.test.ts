import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { endlessInputs, sendEndlessly } from "@skerry/base/testing";
import { defineDriver } from "../driver.ts";
import type { PropertyValue } from "../property-value.ts";
import { RestApi } from "../rest-api.ts";
import { device, MapperWorld } from "../testing/scripted-edge-core.ts";
import { serveRestApi } from "./serve-rest-api.ts";

test("properties are read and methods called over HTTP as KubeEdge's clients do, by who has the token", async () => {
  const values = new Map<string, PropertyValue>([["setpoint", 20]]);
  const driver = defineDriver({
    protocol: "test",
    open: () => null,
    read: (_session, { name }) => values.get(name),
    write: (_session, { name }, value) => void values.set(name, value),
  });
  const methods = [{ name: "Set", description: "", propertyNames: ["setpoint"] }];
  const devices = [device("room", { setpoint: {}, led: {} }, {}, methods)];
  await using world = await MapperWorld.start(driver, devices);
  await world.untilState("room", "online");
  const api = new RestApi(world.mapper, world.clock);
  await using server = await serveRestApi(api, { address: "127.0.0.1", port: 0, token: "secret" });
  const ask = async (path: string, method = "GET", token = "secret"): Promise<{ status: number; text: string }> => {
    const headers = { authorization: `Bearer ${token}`, "x-correlation-id": "7" };
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers });
    assert.equal(response.headers.get("x-correlation-id"), "7");
    return { status: response.status, text: await response.text() };
  };
  const data = async (path: string): Promise<unknown> => {
    const { status, text } = await ask(path);
    assert.equal(status, 200, text);
    const { apiVersion, statusCode, Data } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([apiVersion, statusCode], ["v1", 200]);
    return Data;
  };

  assert.equal((await ask("/api/v1/ping", "GET", "wrong!")).status, 401);
  assert.match((await ask("/api/v1/ping")).text, /"Message":/);
  const { TimeStamp, ...rest } = (await data("/api/v1/device/default/room/setpoint")) as Record<string, unknown>;
  assert.equal(typeof TimeStamp, "number");
  assert.deepEqual(rest, {
    DeviceName: "room",
    PropertyName: "setpoint",
    Namespace: "default",
    Value: "20",
    Type: "int",
  });
  const { Methods } = (await data("/api/v1/devicemethod/default/room")) as { Methods: unknown };
  assert.deepEqual(Methods, [
    {
      Name: "Set",
      Path: "/api/v1/devicemethod/default/room/Set/{propertyName}/{data}",
      Parameters: [{ PropertyName: "setpoint", ValueType: "int" }],
    },
  ]);
  assert.equal((await ask("/api/v1/devicemethod/default/room/Set/setpoint/23")).status, 200);
  assert.equal((await ask("/api/v1/devicemethod/default/room/Set/setpoint/24", "POST")).status, 200);
  assert.equal(values.get("setpoint"), 24);
  assert.match(JSON.stringify(await data("/api/v1/meta/model/default/room")), /"name":"setpoint","dataType":"int"/);
  assert.deepEqual(await data("/api/v1/devices"), [{ Device: "default/room", State: "online", Reason: "" }]);
  for (const [path, status] of [
    ["/api/v1/device/default/room/none", 404],
    ["/api/v1/device/default/none/setpoint", 404],
    ["/api/v1/devicemethod/default/room/Set/led/true", 404],
    ["/api/v1/devicemethod/default/room/Other/setpoint/1", 404],
    ["/api/v1/devicemethod/default/room/Set/setpoint/warm", 400],
    ["/api/v1/device/default/%ZZ/setpoint", 400],
    ["/api/v2/ping", 404],
    ["/api/v1/database/default/room", 404],
    ["/", 404],
  ] as const)
    assert.equal((await ask(path)).status, status, path);
  assert.equal((await ask("/api/v1/ping", "DELETE")).status, 405);
  for (let round = 0; round < 20; round++) {
    // As KubeEdge's clients do, which send a body that says nothing.
    const answers = await askInParts(server.port, "/api/v1/ping", "x".repeat(60_000));
    assert.equal(answers.match(/HTTP\/1\.1 200 OK/g)?.length, 2, "the connection is good for another request");
  }
  for (const kind of endlessInputs) assert.ok((await sendEndlessly(server.port, kind)) < 32 * 1024 * 1024, kind);
  assert.equal((await ask("/api/v1/ping")).status, 200);
});

/** Sends a body that arrives after its head, then another request on the same connection; what was answered. */
async function askInParts(port: number, path: string, body: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const head = `${path} HTTP/1.1\r\nhost: mapper\r\nauthorization: Bearer secret\r\n`;
  socket.write(`GET ${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 10_000)}`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.write(body.slice(10_000));
  socket.write(`GET ${head}connection: close\r\n\r\n`);
  return text(socket);
}
