import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { Aedes } from "aedes";
import type { PushSample } from "../push-target.ts";
import { NetworkPushTransport } from "./push-transport.ts";

const sample: PushSample = {
  namespace: "default",
  deviceName: "pump",
  property: "flow rate",
  text: "1&2",
  type: "string",
  timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5),
};

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("a value is posted as KubeEdge's form, and an answer that says no is a failure", async () => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(`${request.method} ${request.url} ${await text(request)}`);
    response.writeHead(request.url === "/no" ? 500 : 204).end();
  });
  const port = await listen(server);
  await using transport = new NetworkPushTransport();
  try {
    await transport.push({ kind: "http", url: `http://127.0.0.1:${port}/in`, timeoutMs: 60_000 }, sample);
    assert.deepEqual(bodies, ["POST /in flow+rate=1%262&time=2026-01-02+03%3A04%3A05"]);
    await assert.rejects(
      transport.push({ kind: "http", url: `http://127.0.0.1:${port}/no`, timeoutMs: 60_000 }, sample),
      (error) => isSkerryError(error, "MAPPER_PUSH_FAILED") && error.message.includes("500"),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a value is published to the broker as KubeEdge's text, and a broker that is not there is a failure", async () => {
  const broker = await Aedes.createBroker();
  const server = createNetServer(broker.handle);
  const port = await listen(server);
  const arrived = new Promise<string>((resolve) => {
    broker.on("publish", ({ topic, payload, retain }) => {
      if (topic === "flow") resolve(`${payload} ${retain}`);
    });
  });
  const transport = new NetworkPushTransport();
  const target = { kind: "mqtt", topic: "flow", qos: 1, retained: true } as const;
  await transport.push({ ...target, address: `tcp://127.0.0.1:${port}` }, sample);
  assert.equal(await arrived, "time is 2026-01-02 03:04:05  flow: 1&2 true");
  await transport[Symbol.asyncDispose]();
  await new Promise<void>((resolve) => broker.close(resolve));
  await new Promise((resolve) => server.close(resolve));
  await using other = new NetworkPushTransport();
  await assert.rejects(other.push({ ...target, address: `tcp://127.0.0.1:${port}` }, sample), (error) =>
    isSkerryError(error, "MAPPER_PUSH_FAILED"),
  );
});
