import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { isApiError } from "@skerry/kube";
import { keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import type { PodHttpAnswer, PodHttpRequest } from "../apiserver/pod-proxy.ts";
import { requestOver } from "./pod-request.ts";

const REQUEST: PodHttpRequest = {
  namespace: "shop",
  pod: "web",
  port: 8080,
  isTls: false,
  method: "POST",
  target: "/items?page=2",
  headers: { accept: "text/plain" },
  body: new TextEncoder().encode("an item"),
};

/** A pod's app that says what it was asked. */
const app: RequestListener = async (request, response) => {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const { host, accept } = request.headers;
  response.writeHead(201, { "content-type": "application/json", "x-own": "kept" });
  response.end(JSON.stringify({ method: request.method, url: request.url, host, accept, body }));
};

async function textOf({ body }: PodHttpAnswer): Promise<string> {
  let text = "";
  for await (const chunk of body) text += new TextDecoder().decode(chunk);
  return text;
}

test("a request and its answer pass whole, in the clear and over TLS with a certificate of the pod's own", async () => {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const own = keyedCertificatePem(await systemPki.createCertificateAuthority({ validity }));
  for (const isTls of [false, true]) {
    const server = isTls
      ? createTlsServer({ cert: own.certificatePem, key: own.privateKeyPem }, app)
      : createServer(app);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const connection = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const answer = await requestOver(connection, { ...REQUEST, isTls }, new AbortController().signal);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["x-own"], "kept");
    assert.deepEqual(JSON.parse(await textOf(answer)), {
      method: "POST",
      url: "/items?page=2",
      host: "web:8080",
      accept: "text/plain",
      body: "an item",
    });
    if (!connection.destroyed) await once(connection, "close");
    server.close();
  }
});

test("a pod that ends the connection, speaks no HTTP or never answers a client that goes gets no answer", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (chunk) => {
      const [, wish] = /^POST \/(\w+)/.exec(chunk.toString()) ?? [];
      if (wish === "end") socket.end();
      if (wish === "garbage") socket.end("\0\0\0 no HTTP\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const wish of ["end", "garbage", "silence"]) {
    const gone = new AbortController();
    const connection = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const asked = requestOver(connection, { ...REQUEST, target: `/${wish}` }, gone.signal);
    if (wish === "silence") connection.once("connect", () => gone.abort());
    await assert.rejects(
      asked,
      (error) => isApiError(error, "ServiceUnavailable") && /^error trying to reach service: ./.test(error.message),
    );
    if (!connection.destroyed) await once(connection, "close");
  }
  server.close();
});
