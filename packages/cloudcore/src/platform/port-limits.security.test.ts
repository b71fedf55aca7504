import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { defaultCloudCoreConfig } from "@skerry/api";
import { ConnectionGuard, type ConnectionLimits, serverLimits } from "@skerry/base/platform";
import { endlessInputs, sendEndlessly } from "@skerry/base/testing";
import type { LinkConnection } from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { revokeNode } from "../cloudhub/index.ts";
import { endOf, SecuredCloud } from "./testing/secured-cloud.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = await systemPki.createCertificateAuthority({ validity });
const pair = await systemPki.issueCertificate(authority, {
  commonName: "server",
  usages: ["serverAuth"],
  ipAddresses: ["127.0.0.1"],
  validity,
});
const client = await systemPki.issueCertificate(authority, { commonName: "client", usages: ["clientAuth"], validity });
const ca = certificatePem(authority.certificateDer);

/** A body's limit, and what lies in the system's buffers. */
const MOST_SENT_BYTES = 32 * 1024 * 1024;

/** A guarded server with limits that a test can reach. */
async function guarded(
  changes: Partial<ConnectionLimits>,
): Promise<AsyncDisposable & { readonly port: number; readonly guard: ConnectionGuard }> {
  const limits: ConnectionLimits = {
    maxConnections: 10,
    handshakeTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    maxHeaderBytes: 1024,
    ...changes,
  };
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(pair);
  const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: false };
  const server: Server = createServer({ ...tls, ...serverLimits(limits) }, (_request, response) => response.end("ok"));
  const guard = new ConnectionGuard(server, limits);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    guard,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      guard.closeAll();
      await closed;
    },
  };
}

function raw(port: number, localAddress = "127.0.0.1"): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined);
  return socket;
}

function tls(port: number, options: { readonly proven?: boolean; readonly localAddress?: string } = {}): TLSSocket {
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(client);
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    ca,
    ...(options.localAddress ? { localAddress: options.localAddress } : {}),
    ...(options.proven ? { cert, key } : {}),
  });
  socket.on("error", () => undefined);
  return socket;
}

function closeOf(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

test("one address cannot take all connections before it has proven who it is; others still get in", async () => {
  await using server = await guarded({ maxUnprovenPerAddress: 3 });
  const held = [raw(server.port), raw(server.port), raw(server.port)];
  await Promise.all(held.map((socket) => once(socket, "connect")));
  await closeOf(raw(server.port));
  assert.equal(server.guard.counters.refusedAddress, 1);
  const other = tls(server.port, { localAddress: "127.0.0.2" });
  await once(other, "secureConnect");
  for (const socket of [...held, other]) socket.destroy();
});

test("connections that have proven themselves do not count, and ended ones no longer do", async () => {
  await using server = await guarded({ maxUnprovenPerAddress: 2 });
  const proven = [];
  for (let count = 0; count < 4; count++) {
    const socket = tls(server.port, { proven: true });
    await once(socket, "secureConnect");
    proven.push(socket);
    // The server has seen the certificate once it answers.
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "data");
  }
  const first = tls(server.port);
  await once(first, "secureConnect");
  const gone = closeOf(first);
  first.destroy();
  await gone;
  while (server.guard.counters.open > 4) await new Promise((resolve) => setImmediate(resolve));
  const more = [tls(server.port), tls(server.port)];
  await Promise.all(more.map((socket) => once(socket, "secureConnect")));
  assert.equal(server.guard.counters.refusedAddress, 0);
  for (const socket of [...proven, ...more]) socket.destroy();
});

test("beyond the port's limit connections are refused and counted", async () => {
  await using server = await guarded({ maxConnections: 2, maxUnprovenPerAddress: 10 });
  const held = [raw(server.port), raw(server.port)];
  await Promise.all(held.map((socket) => once(socket, "connect")));
  await closeOf(raw(server.port));
  assert.equal(server.guard.counters.refusedFull, 1);
  for (const socket of held) socket.destroy();
});

test("a handshake, a header and a request that take too long are cut off and counted", async () => {
  await using handshakes = await guarded({ handshakeTimeoutMs: 50 });
  await closeOf(raw(handshakes.port));
  assert.equal(handshakes.guard.counters.timedOut, 1);
  for (const slow of ["GET / HTTP/1.1\r\nhost:", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"]) {
    await using server = await guarded({ headersTimeoutMs: 100, requestTimeoutMs: 100 });
    const socket = tls(server.port);
    await once(socket, "secureConnect");
    socket.write(slow);
    await closeOf(socket);
    assert.equal(server.guard.counters.timedOut, 1);
    while (server.guard.counters.open > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await using idle = await guarded({ idleTimeoutMs: 50 });
  const socket = tls(idle.port);
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await closeOf(socket);
});

test("what is no TLS, no HTTP or too long a header is cut off and counted", async () => {
  await using server = await guarded({});
  const noTls = raw(server.port);
  noTls.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await closeOf(noTls);
  assert.equal(server.guard.counters.failedHandshakes, 1);
  for (const text of ["\0\0\0\0\r\n\r\n", `GET / HTTP/1.1\r\nx: ${"y".repeat(4096)}\r\n\r\n`]) {
    const socket = tls(server.port);
    await once(socket, "secureConnect");
    socket.write(text);
    await closeOf(socket);
  }
  assert.equal(server.guard.counters.malformed, 2);
});

/** The version of TLS that a port agrees to with a client that speaks at most `newest`; undefined: none. */
async function agreedTls(
  cloud: SecuredCloud,
  port: number | undefined,
  newest: "TLSv1.2" | "TLSv1.3",
): Promise<unknown> {
  const issuer = port === cloud.core.kubeletPort ? cloud.clusterAuthority : cloud.authority;
  const own = keyedCertificatePem(await cloud.certificate("edge-1", {}, issuer));
  const socket = connectTls({
    port: port ?? 0,
    host: "127.0.0.1",
    ca: certificatePem(cloud.authority.certificateDer),
    cert: own.certificatePem,
    key: own.privateKeyPem,
    maxVersion: newest,
  });
  return new Promise((resolve) => {
    socket.once("secureConnect", () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once("error", () => resolve(undefined));
  });
}

test("all ports speak TLS 1.3, and 1.2 only where the configuration allows it", async () => {
  await using strict = await SecuredCloud.start();
  const portsOf = ({ core }: SecuredCloud): (number | undefined)[] => [
    core.webSocketPort,
    core.httpsPort,
    core.kubeletPort,
    core.tunnelPort,
  ];
  for (const port of portsOf(strict)) {
    assert.equal(await agreedTls(strict, port, "TLSv1.3"), "TLSv1.3");
    assert.equal(await agreedTls(strict, port, "TLSv1.2"), undefined);
  }
  const config = { ...defaultCloudCoreConfig(), minimumTlsVersion: "TLSv1.2" as const };
  const noFiles = { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" };
  await using lenient = await SecuredCloud.start({
    config: {
      ...config,
      advertiseAddresses: ["127.0.0.1"],
      credentialFiles: noFiles,
      cloudStream: { ...config.cloudStream, enabled: true },
    },
  });
  for (const port of portsOf(lenient)) assert.equal(await agreedTls(lenient, port, "TLSv1.2"), "TLSv1.2");
});

test("every port survives strangers, and a node connects afterwards", async () => {
  await using cloud = await SecuredCloud.start();
  const { core } = cloud;
  for (const port of [core.webSocketPort, core.httpsPort, core.kubeletPort, core.tunnelPort]) {
    const noTls = raw(port ?? 0);
    noTls.write(Buffer.alloc(1024 * 1024, 0xff));
    await closeOf(noTls);
  }
  for (const name of ["webSocket", "https", "kubelet", "tunnel"])
    assert.equal(core.connectionCounters[name]?.failedHandshakes, 1, name);
  const connection = await cloud.dial(await cloud.certificate("edge-1"), "edge-1");
  const ended = endOf(connection);
  connection.close(1000, "done");
  await ended;
});

test("on the ports without TLS, too, input without end is cut off and counted, and they serve on", async () => {
  const config = defaultCloudCoreConfig();
  await using cloud = await SecuredCloud.start({
    config: {
      ...config,
      advertiseAddresses: ["127.0.0.1"],
      credentialFiles: { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" },
      router: { ...config.router, enabled: true, listen: { address: "127.0.0.1", port: 0 } },
      metrics: { address: "127.0.0.1", port: 0 },
    },
    ports: { webSocket: 0, https: 0, router: 0, metrics: 0 },
  });
  const { core } = cloud;
  for (const [name, port, path, served] of [
    ["router", core.routerPort ?? 0, "/no/such/rule", 404],
    ["metrics", core.metricsPort ?? 0, "/metrics", 200],
  ] as const) {
    for (const kind of endlessInputs)
      assert.ok((await sendEndlessly(port, kind)) < MOST_SENT_BYTES, `${name} reads ${kind} without end`);
    while (core.connectionCounters[name]?.open) await new Promise((resolve) => setImmediate(resolve));
    const { malformed = 0 } = core.connectionCounters[name] ?? {};
    // A body is answered before it ends; everything else is no HTTP, or not for long.
    assert.ok(malformed >= 3, `${name}: ${malformed}`);
    assert.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, served);
  }
});

test("a node that comes again goes on from its last handshake, and is judged anew all the same", async () => {
  await using cloud = await SecuredCloud.start();
  let pair = await cloud.certificate("edge-1");
  const dialer = new WebSocketDialer({ credentials: async () => cloud.credentialsOf(pair) });
  const url = `wss://127.0.0.1:${cloud.core.webSocketPort}/p/edge-1/events`;
  const dial = (): Promise<LinkConnection> =>
    dialer.dial(url, { node_id: "edge-1", project_id: "p", ConnectionUse: "msg" }, new AbortController().signal);
  const resumed = (): number | undefined => cloud.core.connectionCounters["webSocket"]?.resumed;
  (await dial()).close(1000, "done");
  assert.equal(resumed(), 0);
  (await dial()).close(1000, "done");
  assert.equal(resumed(), 1);
  await revokeNode(cloud.api, "edge-1", { nowMs: Date.now() });
  const refusal = async (): Promise<string> => (await endOf(await dial())).reason;
  while (!(await refusal()).startsWith("CLOUDHUB_NODE_REVOKED"));
  const before = resumed() ?? 0;
  pair = await cloud.certificate("edge-1", {
    validity: { notBeforeMs: Date.now() + 1_800_000, notAfterMs: Date.now() + 3_600_000 },
  });
  await assert.rejects(dial(), "another certificate begins with a handshake of its own");
  assert.equal(resumed(), before);
});
