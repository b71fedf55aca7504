import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

async function start(): Promise<ControlPlane & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "skerry-listener-"));
  const controlPlane = await startControlPlane({
    dataFolder: folder,
    address: "127.0.0.1",
    port: 0,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    controllers: false,
  });
  return {
    ...controlPlane,
    folder,
    async [Symbol.asyncDispose]() {
      await controlPlane[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

for (const [who, headers] of [
  ["nobody", {}],
  ["somebody with a forged token", { authorization: "Bearer a.b.c" }],
] as const)
  test(`a body that ${who} sends without end is refused after some kilobytes`, async () => {
    await using controlPlane = await start();
    const outgoing = request({
      host: "127.0.0.1",
      port: controlPlane.port,
      path: "/api/v1/namespaces/default/configmaps",
      method: "POST",
      ca: controlPlane.caCertificatePem,
      headers: { ...headers, "content-type": "application/json", "transfer-encoding": "chunked" },
      agent: false,
    });
    outgoing.on("error", () => undefined);
    outgoing.write(Buffer.alloc(64 * 1024, 0x20));
    // The request is never ended: the answer must come all the same.
    const [response] = await once(outgoing, "response");
    assert.equal(response.statusCode, 401);
    outgoing.destroy();
  });

test("a connection that never begins its handshake does not keep the API server from stopping", async () => {
  const controlPlane = await start();
  const socket = connect(controlPlane.port, "127.0.0.1");
  await once(socket, "connect");
  // A whole request later the connection before it has been accepted too.
  const outgoing = request({
    host: "127.0.0.1",
    port: controlPlane.port,
    path: "/readyz",
    ca: controlPlane.caCertificatePem,
    agent: false,
  }).end();
  const [response] = await once(outgoing, "response");
  response.resume();
  const closed = once(socket, "close");
  socket.resume();
  await controlPlane[Symbol.asyncDispose]();
  await closed;
});
