import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ListeningPort, silentLogger } from "@skerry/base";
import { endlessInputs, sendEndlessly } from "@skerry/base/testing";
import { type ApiRequest, type ApiResponse, textResponse } from "../api-exchange.ts";
import { apiListener } from "./api-listener.ts";

const TOKEN = "a-long-enough-token";

async function listen(
  handle: (request: ApiRequest) => Promise<ApiResponse>,
  tokenFile = "",
): Promise<ListeningPort & { readonly url: string }> {
  const listener = await apiListener({ enabled: true, address: "127.0.0.1", port: 0, tokenFile }, silentLogger);
  const listening = await listener.listen(handle);
  return Object.assign(Object.create(listening), { url: `http://127.0.0.1:${listening.port}` });
}

const hello = async (): Promise<ApiResponse> => textResponse(200, "hello");

test("a request is handed over whole, and its answer returned", async () => {
  const seen: ApiRequest[] = [];
  await using port = await listen(async (request) => {
    seen.push(request);
    return textResponse(201, "made", "text/plain", { warning: '299 - "old"' });
  });
  const answer = await fetch(`${port.url}/api/v1/pods?watch=true&x=a%20b`, { method: "PUT", body: "{}" });
  assert.deepEqual([answer.status, await answer.text(), answer.headers.get("warning")], [201, "made", '299 - "old"']);
  const [request] = seen;
  assert.deepEqual(
    [request?.method, request?.path, request?.query.get("x"), request?.body, request?.hasToken],
    ["PUT", "/api/v1/pods", "a b", "{}", false],
  );
});

test("a stream comes as it is made, and its maker hears when the client is gone", async () => {
  const more = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using port = await listen(async ({ signal }) => {
    signal.addEventListener("abort", () => gone.resolve());
    async function* body(): AsyncGenerator<string> {
      yield "one\n";
      await more.promise;
      yield "two\n";
      await gone.promise;
    }
    return { status: 200, headers: {}, body: body() };
  });
  const client = new AbortController();
  const answer = await fetch(port.url, { signal: client.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, "one\n");
  more.resolve();
  assert.equal((await reader?.read())?.value, "two\n");
  client.abort();
  await gone.promise;
});

test("where a token is needed, nobody gets in without it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-metaserver-"));
  try {
    const file = join(folder, "token");
    writeFileSync(file, `${TOKEN}\n`);
    await using port = await listen(async ({ hasToken }) => textResponse(200, String(hasToken)), file);
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(port.url, { headers: authorization === undefined ? {} : { authorization } })).status;
    assert.equal(await status(), 401);
    assert.equal(await status("Bearer wrong"), 401);
    assert.equal(await status(`Basic ${TOKEN}`), 401);
    const answer = await fetch(port.url, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(await answer.text(), "true");
    writeFileSync(file, "short");
    await assert.rejects(listen(hello, file), { code: "METASERVER_TOKEN_FILE_UNUSABLE" });
    await assert.rejects(listen(hello, join(folder, "none")), { code: "METASERVER_TOKEN_FILE_UNUSABLE" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("web pages are turned away: by their origin, and by a name that leads here", async () => {
  await using port = await listen(hello);
  const status = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpRequest({ host: "127.0.0.1", port: port.port, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .once("error", reject)
        .end();
    });
  assert.equal(await status({}), 200);
  assert.equal(await status({ host: `localhost:${port.port}` }), 200);
  assert.equal(await status({ host: "evil.example" }), 403);
  assert.equal(await status({ origin: "http://evil.example" }), 403);
});

test("a body beyond the limit is not read, and what is no HTTP is cut off", async () => {
  await using port = await listen(async () => {
    throw new Error("nobody should get here");
  });
  const answer = await fetch(port.url, { method: "POST", body: "x".repeat(2 * 1024 * 1024 + 1) }).catch(
    () => undefined,
  );
  // The client may still have been sending when the connection was closed.
  if (answer) assert.equal(answer.status, 413);
  await new Promise<void>((resolve) => {
    const socket = connect(port.port, "127.0.0.1", () => socket.write("\u0001\u0002 no http\r\n\r\n"));
    socket.on("error", () => undefined);
    socket.resume();
    socket.once("close", () => resolve());
  });
});

test("bodies that are left unfinished have 16 MiB together; others are told to come back", async () => {
  await using port = await listen(hello);
  const length = 2 * 1024 * 1024;
  const answers: Promise<string>[] = [];
  using stalled = new DisposableStack();
  for (let count = 0; count < 12; count++) {
    const socket = connect(port.port, "127.0.0.1");
    stalled.defer(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.write(`POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`);
    socket.write(Buffer.alloc(length - 1, 0x20));
    answers.push(new Promise((resolve) => socket.once("data", (data) => resolve(String(data)))));
  }
  assert.match(await Promise.race(answers), /^HTTP\/1\.1 429 [\s\S]*retry-after: 1/i);
  assert.equal((await fetch(port.url)).status, 200);
  stalled.dispose();
  const status = (): Promise<number | undefined> =>
    fetch(port.url, { method: "POST", body: "x".repeat(length) }).then(
      (answer) => answer.status,
      () => undefined, // Refused while it was still sending.
    );
  while ((await status()) !== 200);
});

test("input without end is cut off, whatever of it has none", async () => {
  await using port = await listen(hello);
  for (const kind of endlessInputs) assert.ok((await sendEndlessly(port.port, kind)) < 32 * 1024 * 1024, kind);
  assert.equal((await fetch(port.url)).status, 200);
});

test("a port that is in use is named", async () => {
  await using port = await listen(hello);
  const listener = await apiListener(
    { enabled: true, address: "127.0.0.1", port: port.port, tokenFile: "" },
    silentLogger,
  );
  await assert.rejects(listener.listen(hello), { code: "METASERVER_LISTEN_FAILED" });
});
