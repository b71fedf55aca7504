import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { test } from "node:test";
import { connect } from "node:tls";
import { type Lease, leases, nodes } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import type { LinkConnection } from "@skerry/link";
import { listenWebSocket, WebSocketDialer } from "@skerry/link/platform";
import { keyedCertificatePem } from "@skerry/pki";
import { encodeResponseHead } from "@skerry/streams";
import { nodeIdentifier } from "../../platform/node-identity.ts";
import {
  API_SERVER,
  call,
  client,
  clusterAuthority,
  connectEdge,
  edgeAuthority,
  edgeAuthorityPem,
  serveHello,
  server,
  start,
  streamCluster,
  trust,
} from "./testing/stream-world.ts";

test("the API server's request reaches the pod's node, and the node's answer the API server", async () => {
  await using running = await start();
  using _edge = await connectEdge(running, serveHello);
  const answer = await call(running, "/containerLogs/default/web/app?follow=true");
  assert.deepEqual(answer, { status: 200, text: "/containerLogs/default/web/app?follow=true" });
});

test("a tunnel that is asked for comes on the port of the sessions, and only with the node's own certificate", async () => {
  let port = 0;
  const opened: Promise<Disposable>[] = [];
  await using running = await start((nodeName) => {
    if (nodeName === "edge-1") opened.push(connectEdge(running, serveHello, { port }));
    return nodeName === "edge-1";
  });
  const onConnection = (): void => assert.fail("a tunnel is no session");
  await using shared = await listenWebSocket(
    {
      address: "127.0.0.1",
      port: 0,
      ...keyedCertificatePem(server),
      clientAuthorityPem: edgeAuthorityPem,
      identify: nodeIdentifier(trust),
      clock: systemClock,
      logger: silentLogger,
      tunnels: running.upgrader,
    },
    onConnection,
  );
  port = shared.port;
  const answer = await call(running, "/containerLogs/default/web/app");
  assert.deepEqual(answer, { status: 200, text: "/containerLogs/default/web/app?" });
  assert.equal(opened.length, 1);
  assert.equal((await call(running, "/containerLogs/default/other/app")).status, 503, "it is not connected");
  await assert.rejects(connectEdge(running, serveHello, { port, claims: "edge-2" }), /403/);
  for (const edge of opened) (await edge)[Symbol.dispose]();
});

test("a log that floods and that nobody reads does not hold up the node's session on the same port", async () => {
  let port = 0;
  const opened: Promise<Disposable>[] = [];
  let floodBytes = 0;
  const flooding = Promise.withResolvers<void>();
  const flood: typeof serveHello = async (_asked, stream) => {
    await stream.write(encodeResponseHead(200, "OK", { "content-type": "text/plain" }));
    const block = new Uint8Array(64 * 1024).fill(0x61);
    for (;;) {
      await stream.write(block);
      floodBytes += block.length;
      if (floodBytes >= 256 * 1024) flooding.resolve();
    }
  };
  await using running = await start(() => {
    opened.push(connectEdge(running, flood, { port }));
    return true;
  });
  const accepted = Promise.withResolvers<LinkConnection>();
  await using shared = await listenWebSocket(
    {
      address: "127.0.0.1",
      port: 0,
      ...keyedCertificatePem(server),
      clientAuthorityPem: edgeAuthorityPem,
      identify: nodeIdentifier(trust),
      clock: systemClock,
      logger: silentLogger,
      tunnels: running.upgrader,
    },
    accepted.resolve,
  );
  port = shared.port;
  const credentials = {
    authorityPem: edgeAuthorityPem,
    ...keyedCertificatePem(await client("system:node:edge-1", edgeAuthority, ["system:nodes"])),
  };
  const dialer = new WebSocketDialer({ credentials: () => Promise.resolve(credentials) });
  const headers = { node_id: "edge-1", ConnectionUse: "msg" };
  const edge = await dialer.dial(`wss://127.0.0.1:${port}/p/edge-1/events`, headers, new AbortController().signal);
  const session = await accepted.promise;

  const pair = keyedCertificatePem(await client(API_SERVER, clusterAuthority));
  const reader = request({
    host: "127.0.0.1",
    port: running.kubeletPort,
    path: "/containerLogs/default/web/app?follow=true",
    ca: edgeAuthorityPem,
    cert: pair.certificatePem,
    key: pair.privateKeyPem,
    agent: false,
  });
  reader.on("error", () => undefined);
  reader.on("response", (response) => response.pause());
  reader.end();
  await flooding.promise;

  const echoes: string[] = [];
  const done = Promise.withResolvers<void>();
  session.start({ onFrame: (text) => session.send(text), onClose: () => undefined });
  edge.start({
    onFrame: (text) => {
      echoes.push(text);
      if (echoes.length === 100) done.resolve();
    },
    onClose: ({ reason }) => done.reject(new Error(reason)),
  });
  for (let index = 0; index < 100; index++) edge.send(`message ${index}`);
  await done.promise;
  assert.deepEqual(
    echoes,
    Array.from({ length: 100 }, (_, index) => `message ${index}`),
  );
  assert.ok(floodBytes < 32 * 1024 * 1024, `${floodBytes} bytes were taken from a log that nobody reads`);
  reader.destroy();
  edge.close(1000, "");
  for (const tunnel of opened) (await tunnel)[Symbol.dispose]();
});

test("a node's own path goes to the node that the request names, as host or as a kube-apiserver's proxy", async () => {
  await using running = await start();
  const asked: string[] = [];
  using _edge = await connectEdge(running, async ({ kind, path }, stream) => {
    asked.push(`${kind} ${path}`);
    await stream.write(encodeResponseHead(200, "OK", { "content-type": "application/json" }));
    await stream.write(new TextEncoder().encode("{}"));
  });
  const uri = { "x-forwarded-uri": "/api/v1/nodes/edge-1/proxy/stats/summary" };
  assert.deepEqual(await call(running, "/stats/summary", { headers: uri }), { status: 200, text: "{}" });
  const other = { "x-forwarded-uri": "/api/v1/nodes/edge-2/proxy/stats/summary" };
  assert.equal((await call(running, "/stats/summary", { headers: other })).status, 503);
  assert.equal((await call(running, "/pods", { headers: uri })).status, 404);
  assert.deepEqual(asked, ["metrics /stats/summary"]);
});

test("a refusal of the node keeps its status and text", async () => {
  await using running = await start();
  using _edge = await connectEdge(running, async (_asked, stream) => {
    await stream.write(encodeResponseHead(400, "Bad Request", {}));
    await stream.write(new TextEncoder().encode("container is waiting"));
  });
  const answer = await call(running, "/containerLogs/default/web/app");
  assert.deepEqual(answer, { status: 400, text: "container is waiting" });
});

test("whoever is not the API server is refused on the kubelet port", async () => {
  await using running = await start();
  using _edge = await connectEdge(running, serveHello);
  const path = "/containerLogs/default/web/app";
  const admin = await client("kubernetes-admin", clusterAuthority, ["system:masters"]);
  assert.equal((await call(running, path, { pair: admin })).status, 403);
  const upgradeHeaders = { connection: "Upgrade", upgrade: "SPDY/3.1" };
  const exec = await call(running, "/exec/default/web/app", { pair: admin, headers: upgradeHeaders, method: "POST" });
  assert.equal(exec.status, 403);
  await assert.rejects(call(running, path, { pair: null }));
  await assert.rejects(call(running, path, { pair: await client(API_SERVER, edgeAuthority) }));
});

test("a node is who its certificate says: a claimed name and a foreign authority are refused", async () => {
  await using running = await start();
  const refused = (error: unknown): boolean => isSkerryError(error, "STREAMS_DIAL_FAILED");
  await assert.rejects(connectEdge(running, serveHello, { nodeName: "edge-2", claims: "edge-1" }), refused);
  await assert.rejects(connectEdge(running, serveHello, { issuer: clusterAuthority }), refused);
  assert.equal(running.cloudStream.connectedNodes.size, 0);
});

test("another node's tunnel is never asked for a pod that is not its own", async () => {
  await using running = await start();
  using _edge = await connectEdge(running, serveHello, { nodeName: "edge-1" });
  assert.equal((await call(running, "/containerLogs/default/other/app")).status, 503);
});

test("the answer for an offline node says since when", async () => {
  await using running = await start();
  const { status, text } = await call(running, "/containerLogs/default/other/app");
  assert.equal(status, 503);
  assert.match(text, /node "edge-2" is offline since 2026-01-02T03:04:05Z/);
});

test("a node that has only just gone is offline since its lease was last renewed", async () => {
  const api = await streamCluster();
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  await api.patch(
    { resource: nodes, name: "edge-2", subresource: "status" },
    { type: "merge", body: { status: ready } },
  );
  await api.create<Lease>(
    { resource: leases, namespace: "kube-node-lease" },
    {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "edge-2", namespace: "kube-node-lease" },
      spec: { renewTime: "2026-01-02T03:04:06.000000Z" },
    },
  );
  await using running = await start(() => false, { api });
  const { text } = await call(running, "/containerLogs/default/other/app");
  assert.match(text, /node "edge-2" is offline since 2026-01-02T03:04:06Z/);
});

test("a path of a node that does not exist is not found, and no sign of an offline node", async () => {
  await using running = await start();
  const uri = { "x-forwarded-uri": "/api/v1/nodes/nosuch/proxy/stats/summary" };
  const { status, text } = await call(running, "/stats/summary", { headers: uri });
  assert.equal(status, 404);
  assert.match(text, /node "nosuch" does not exist/);
});

test("unknown pods, pods without a node and foreign paths get clear refusals", async () => {
  await using running = await start();
  assert.equal((await call(running, "/containerLogs/default/nosuch/app")).status, 404);
  assert.equal((await call(running, "/containerLogs/default/waiting/app")).status, 400);
  assert.equal((await call(running, "/run/default/web/app")).status, 404);
  assert.equal((await call(running, "/containerLogs/default/..%2f/app")).status, 404);
});

test("a newer tunnel of a node ends the older one; beyond the limit of nodes a tunnel is refused", async () => {
  await using running = await start();
  using first = await connectEdge(running, serveHello);
  using _second = await connectEdge(running, async (_asked, stream) => {
    await stream.write(encodeResponseHead(200, "OK", {}));
    await stream.write(new TextEncoder().encode("second"));
  });
  if (!first.ended.aborted) await once(first.ended, "abort");
  assert.equal((await call(running, "/containerLogs/default/web/app")).text, "second");
  using _other = await connectEdge(running, serveHello, { nodeName: "edge-2" });
  using beyond = await connectEdge(running, serveHello, { nodeName: "edge-3" });
  if (!beyond.ended.aborted) await once(beyond.ended, "abort");
  assert.deepEqual([...running.cloudStream.connectedNodes].sort(), ["edge-1", "edge-2"]);
});

test("a flood of requests is bounded per node and kind, others go on meanwhile, and the node serves again afterwards", async () => {
  await using running = await start();
  const release = Promise.withResolvers<void>();
  let served = 0;
  using _edge = await connectEdge(running, async ({ kind }, stream) => {
    await stream.write(encodeResponseHead(200, "OK", {}));
    if (kind !== "logs") return;
    served++;
    await release.promise;
  });
  const open = Array.from({ length: 1_000 }, async () =>
    running.cloudStream.open({
      method: "GET",
      path: "/containerLogs/default/web/app",
      query: "",
      headers: {},
    }),
  );
  const settled = await Promise.allSettled(open);
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 48);
  const refusals = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  assert.ok(refusals.every((error) => isSkerryError(error, "STREAMS_TOO_MANY")));
  assert.equal((await call(running, "/containerLogs/default/web/app")).status, 429);
  const uri = { "x-forwarded-uri": "/api/v1/nodes/edge-1/proxy/stats/summary" };
  assert.equal((await call(running, "/stats/summary", { headers: uri })).status, 200);
  const upgradeHeaders = { connection: "Upgrade", upgrade: "SPDY/3.1" };
  const exec = await call(running, "/exec/default/web/app", { headers: upgradeHeaders, method: "POST" });
  assert.equal(exec.status, 200);
  release.resolve();
  for (const each of settled) if (each.status === "fulfilled") each.value.stream.close();
  assert.equal((await call(running, "/containerLogs/default/web/app")).status, 200);
  assert.ok(served <= 49);
});

test("a caller that never reads stops the node after what the buffers hold", async () => {
  await using running = await start();
  let written = 0;
  const stalled = Promise.withResolvers<void>();
  using _edge = await connectEdge(running, async (_asked, stream) => {
    await stream.write(encodeResponseHead(200, "OK", {}));
    stream.closed.addEventListener("abort", () => stalled.resolve());
    for (;;) {
      await stream.write(new Uint8Array(64 * 1024));
      written += 64 * 1024;
    }
  });
  const pem = keyedCertificatePem(await client(API_SERVER, clusterAuthority));
  const outgoing = request({
    host: "127.0.0.1",
    port: running.kubeletPort,
    path: "/containerLogs/default/web/app",
    ca: edgeAuthorityPem,
    cert: pem.certificatePem,
    key: pem.privateKeyPem,
    agent: false,
  });
  outgoing.on("error", () => undefined);
  outgoing.end();
  const [response] = await once(outgoing, "response");
  response.pause();
  for (let before = -1; before !== written; ) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(written < 64 * 1024 * 1024, `${written} bytes went into the buffers`);
  assert.equal((await call(running, "/containerLogs/default/nosuch/app")).status, 404);
  outgoing.destroy();
  await stalled.promise;
});

test("endless headers are cut off on both ports", async () => {
  await using running = await start();
  const apiServer = keyedCertificatePem(await client(API_SERVER, clusterAuthority));
  const node = keyedCertificatePem(await client("system:node:edge-1", edgeAuthority, ["system:nodes"]));
  for (const [port, pem] of [
    [running.kubeletPort, apiServer],
    [running.tunnelPort, node],
  ] as const) {
    const socket = connect({
      host: "127.0.0.1",
      port: port ?? 0,
      ca: edgeAuthorityPem,
      cert: pem.certificatePem,
      key: pem.privateKeyPem,
    });
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "secureConnect");
    // Not `once` of events: it would reject at the reset that may come before the close.
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    const flood = setInterval(() => socket.write(`x-more: ${"y".repeat(4096)}\r\n`), 1);
    await closed;
    clearInterval(flood);
  }
});

test("a node cannot answer a log with an upgrade or a redirection", async () => {
  for (const status of [100, 101, 204, 302, 999]) {
    await using running = await start();
    using _edge = await connectEdge(running, async (_asked, stream) => {
      await stream.write(encodeResponseHead(status, "Something", { location: "https://elsewhere/", upgrade: "x" }));
      await stream.write(new Uint8Array(10));
    });
    const answer = await call(running, "/containerLogs/default/web/app");
    assert.deepEqual(answer, { status: 502, text: `the node answered HTTP ${status}, which is no answer to this\n` });
  }
});

test("an answer whose head never ends is cut off and refused", async () => {
  await using running = await start();
  using _edge = await connectEdge(running, async (_asked, stream) => {
    for (;;) await stream.write(new Uint8Array(1024).fill(65));
  });
  assert.equal((await call(running, "/containerLogs/default/web/app")).status, 502);
});

test("bytes of the caller reach the node only after it has agreed to the upgrade", async () => {
  await using running = await start();
  const received: string[] = [];
  using _edge = await connectEdge(running, async (_asked, stream) => {
    await stream.write(encodeResponseHead(403, "Forbidden", { connection: "close" }));
    await stream.write(new TextEncoder().encode("no"));
    stream.close();
    for (let chunk = await stream.read(); chunk; chunk = await stream.read()) received.push(String(chunk));
  });
  const answer = await call(running, "/exec/default/web/app?command=sh", {
    method: "POST",
    headers: { connection: "Upgrade", upgrade: "SPDY/3.1" },
  });
  assert.equal(answer.status, 403);
  assert.deepEqual(received, []);
});
