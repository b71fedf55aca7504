import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { ClientRequest } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type HttpsListener, type ListenOptions, listenHttps } from "./https-listener.ts";

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

/** A listener that answers all the same, and takes for the user what is given as authorization. */
async function listenAlone(
  answer: string,
  options: Pick<ListenOptions, "stalledTimeoutMs" | "bodyBudget">,
): Promise<{ listener: HttpsListener; authorityPem: string }> {
  const nowMs = Date.now();
  const validity = { notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 3_600_000 };
  const authority = await systemPki.createCertificateAuthority({ validity });
  const server = await systemPki.issueCertificate(authority, {
    usages: ["serverAuth"],
    validity,
    ipAddresses: ["127.0.0.1"],
    commonName: "server",
    organizations: [],
  });
  const authorityPem = certificatePem(authority.certificateDer);
  const listener = await listenHttps({
    ...options,
    handler: {
      handle: async () => ({ status: 200, headers: {}, body: answer }),
      knownUser: ({ headers }) => ({ username: headers["authorization"] ?? "somebody", groups: [] }),
      upgradeTarget: () => Promise.reject(new Error("nothing is upgraded here")),
    },
    address: "127.0.0.1",
    port: 0,
    server: keyedCertificatePem(server),
    authorityPem,
    logger: silentLogger,
  });
  return { listener, authorityPem };
}

/** Such a listener whose answer is long, and a connection to it that has asked. */
async function askForMuch(lengthBytes: number): Promise<{ listener: HttpsListener; socket: TLSSocket }> {
  const { listener, authorityPem } = await listenAlone("é".repeat(lengthBytes / 2), { stalledTimeoutMs: 300 });
  const socket = connectTls({ port: listener.port, host: "127.0.0.1", ca: authorityPem });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  socket.write("GET /api/v1/pods HTTP/1.0\r\nHost: server\r\n\r\n");
  return { listener, socket };
}

test("a user whose large bodies take up their share is told to come back; small ones and others' are read", async () => {
  const bodyBudget = { mostBytes: 4_000_000, mostBytesAUser: 1_000_000 };
  const { listener, authorityPem } = await listenAlone("done", { bodyBudget });
  await using _listener = listener;
  const begin = (username: string, lengthBytes: number): ClientRequest => {
    const headers = { authorization: username, "content-length": lengthBytes };
    const outgoing = request({
      ...{ host: "127.0.0.1", port: listener.port, ca: authorityPem, agent: false },
      ...{ method: "POST", path: "/api/v1/namespaces/default/configmaps", headers },
    });
    return outgoing.on("error", () => undefined);
  };
  const post = async (username: string, lengthBytes: number): Promise<string> => {
    const [response] = await once(begin(username, lengthBytes).end(Buffer.alloc(lengthBytes)), "response");
    response.resume();
    return `${response.statusCode} ${response.headers["retry-after"] ?? ""}`;
  };
  const slow = begin("greedy", 900_000);
  slow.write(Buffer.alloc(899_999));
  while ((await post("greedy", 200_000)) !== "429 1") await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(listener.refusedBodies > 0);
  assert.equal(await post("greedy", 10_000), "200 ");
  assert.equal(await post("other", 900_000), "200 ");
  slow.end(Buffer.alloc(1));
  const [response] = await once(slow, "response");
  assert.equal(response.statusCode, 200);
  response.resume();
  assert.equal(await post("greedy", 900_000), "200 ");
  const abandoned = begin("greedy", 900_000);
  abandoned.write(Buffer.alloc(800_000));
  while ((await post("greedy", 300_000)) !== "429 1") await new Promise((resolve) => setTimeout(resolve, 10));
  abandoned.destroy();
  while ((await post("greedy", 900_000)) !== "200 ") await new Promise((resolve) => setTimeout(resolve, 10));
});

test("a client that stops reading a long answer is cut off, and what was not sent is let go", async () => {
  const { listener, socket } = await askForMuch(64 * 1024 * 1024);
  await using _listener = listener;
  const deadlineMs = Date.now() + 10_000;
  while (listener.counters.open > 0 && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(listener.counters.open, 0);
  socket.destroy();
});

test("a client that reads slowly gets the whole of a long answer, however long it takes", async () => {
  const lengthBytes = 32 * 1024 * 1024;
  const { listener, socket } = await askForMuch(lengthBytes);
  await using _listener = listener;
  const startMs = Date.now();
  const parts: Buffer[] = [];
  let readBytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    parts.push(chunk);
    readBytes += chunk.length;
    if (readBytes < 1024 * 1024) continue;
    readBytes = 0;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assert.ok(Date.now() - startMs > 600);
  const answer = Buffer.concat(parts);
  const body = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
  assert.equal(body.length, lengthBytes);
  assert.ok(body.equals(Buffer.from("é".repeat(lengthBytes / 2))));
});

// Found by fuzzing: the connection was dropped without an answer.
test("a request for what is no path gets 400, with an upgrade too", async () => {
  await using controlPlane = await start();
  for (const target of ["*", "http://[", "https://"])
    for (const upgrade of ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"]) {
      const socket = connectTls({ port: controlPlane.port, host: "127.0.0.1", ca: controlPlane.caCertificatePem });
      socket.write(`GET ${target} HTTP/1.1\r\nHost: server\r\n${upgrade}\r\n`);
      let answer = "";
      for await (const chunk of socket) answer += String(chunk);
      assert.match(answer, /^HTTP\/1\.1 400 /, `${target} ${upgrade}`);
    }
});

test("a path with empty parts, a whole URL and characters that are no text are answered", async () => {
  await using controlPlane = await start();
  for (const target of ["//", "///api//v1", "https://server/version", "/api/v1/%ff", "/%00", "/?%zz=%ff&&&="]) {
    const socket = connectTls({ port: controlPlane.port, host: "127.0.0.1", ca: controlPlane.caCertificatePem });
    socket.write(`GET ${target} HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n`);
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1\.1 (200|400|401) /, target);
  }
});
