import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RouterConfig } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { type RestRequest, textResponse } from "../http-exchange.ts";
import { fetchPoster } from "./fetch-poster.ts";
import { serveRouter } from "./rest-server.ts";

const config: RouterConfig = {
  enabled: true,
  listen: { address: "127.0.0.1", port: 9_443 },
  restTimeoutMs: 1_000,
  tokenFile: "",
};

function serve(extra: Partial<RouterConfig> = {}, seen: RestRequest[] = []) {
  return serveRouter({
    config: { ...config, ...extra },
    port: 0,
    handle: async (request) => {
      seen.push(request);
      return { ...textResponse(201, "made"), headers: { "x-two": ["a", "b"] } };
    },
    logger: silentLogger,
  });
}

test("a request arrives whole, with its path as it was written, and its answer goes out", async () => {
  const seen: RestRequest[] = [];
  await using server = await serve({}, seen);
  const url = `http://127.0.0.1:${server.port}/edge-1/plant/a%2Fb?x=%20`;
  const response = await fetch(url, { method: "PUT", body: "hello", headers: { "X-Mine": "1" } });
  assert.deepEqual([response.status, await response.text(), response.headers.get("x-two")], [201, "made\n", "a, b"]);
  const [request] = seen;
  assert.deepEqual([request?.method, request?.path, request?.query], ["PUT", "/edge-1/plant/a%2Fb", "?x=%20"]);
  assert.deepEqual(request?.headers["x-mine"], ["1"]);
  assert.equal(Buffer.from(request?.body ?? []).toString(), "hello");
});

test("with a token file only who has the token gets in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "router-"));
  const tokenFile = join(folder, "token");
  try {
    writeFileSync(tokenFile, "0123456789abcdef\n");
    await using server = await serve({ tokenFile });
    const url = `http://127.0.0.1:${server.port}/`;
    const status = async (authorization?: string) =>
      (await fetch(url, authorization ? { headers: { authorization } } : {})).status;
    assert.equal(await status(), 401);
    assert.equal(await status("Bearer 0123456789abcdeg"), 401);
    assert.equal(await status("Bearer 0123456789abcdef"), 201);
    writeFileSync(tokenFile, "short");
    await assert.rejects(serve({ tokenFile }), (error) => isSkerryError(error, "ROUTER_TOKEN_FILE_UNUSABLE"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a body that is too large is refused before it is read to its end", async () => {
  const seen: RestRequest[] = [];
  await using server = await serve({}, seen);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
    socket.write("POST /a/b/c HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n");
    socket.write(Buffer.alloc(4 * 1024 * 1024));
  });
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.deepEqual(seen, []);
});

test("bodies that callers leave unfinished have 128 MiB together; others are told to come back", async () => {
  const seen: RestRequest[] = [];
  await using server = await serve({}, seen);
  const begin = (lengthBytes: number, sendBytes: number): Socket => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`POST /a/b/c HTTP/1.1\r\nhost: x\r\ncontent-length: ${lengthBytes}\r\n\r\n`);
    socket.write(Buffer.alloc(sendBytes));
    return socket;
  };
  const mebibyte = 1024 * 1024;
  const stalled = Array.from({ length: 70 }, () => begin(2 * mebibyte, 2 * mebibyte - 1));
  const answers = stalled.map((socket) => once(socket, "data").then(String));
  assert.match(await Promise.race(answers), /^HTTP\/1\.1 429 [\s\S]*retry-after: 1/i);
  for (const answer of answers) answer.catch(() => undefined);
  for (const socket of stalled) socket.destroy();
  for (;;) {
    const socket = begin(10, 10);
    const [answer] = await once(socket, "data");
    socket.destroy();
    if (/^HTTP\/1\.1 201 /.test(String(answer))) break;
  }
  assert.equal(seen.length, 1);
});

test("a file that cannot be read, and a port in use, are told with their codes", async () => {
  const tls = { certificateFile: "/nonexistent/cert", privateKeyFile: "/nonexistent/key" };
  await assert.rejects(serve({ tls }), (error) => isSkerryError(error, "ROUTER_FILE_UNREADABLE"));
  await using server = await serve();
  const second = serveRouter({ config, port: server.port, handle: () => Promise.reject(), logger: silentLogger });
  await assert.rejects(second, (error) => isSkerryError(error, "CLOUDHUB_PORT_IN_USE"));
});

test("a rule's target that answers too much, redirects or is away is an error or its own status", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/large") response.end(Buffer.alloc(2_000));
    else response.writeHead(302, { location: "/large" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const post = (url: string) =>
    fetchPoster.post({
      url,
      headers: {},
      body: "x",
      timeoutMs: 60_000,
      maximumAnswerBytes: 1_000,
      signal: new AbortController().signal,
    });
  try {
    await assert.rejects(post(`http://127.0.0.1:${port}/large`), (error) =>
      isSkerryError(error, "ROUTER_ANSWER_TOO_LARGE"),
    );
    assert.equal((await post(`http://127.0.0.1:${port}/`)).status, 302);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await assert.rejects(post(`http://127.0.0.1:${port}/`), (error) => isSkerryError(error, "ROUTER_TARGET_UNREACHABLE"));
});
