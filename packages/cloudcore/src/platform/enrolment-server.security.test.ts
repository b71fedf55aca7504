import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import type { EnrolmentRequest } from "../cloudhub/index.ts";
import { serveEnrolment } from "./enrolment-server.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = await systemPki.createCertificateAuthority({ validity });
const pair = await systemPki.issueCertificate(authority, {
  commonName: "KubeEdge",
  organizations: ["KubeEdge"],
  usages: ["serverAuth"],
  ipAddresses: ["127.0.0.1"],
  validity,
});
const { certificatePem: clientAuthorityPem } = keyedCertificatePem(authority);

interface World extends AsyncDisposable {
  readonly port: number;
  readonly seen: EnrolmentRequest[];
  open(): Promise<TLSSocket>;
}

async function world(maxBodyBytes?: (path: string) => number): Promise<World> {
  const seen: EnrolmentRequest[] = [];
  const server = await serveEnrolment({
    address: "127.0.0.1",
    port: 0,
    ...keyedCertificatePem(pair),
    clientAuthorityPem,
    ...(maxBodyBytes ? { maxBodyBytes } : {}),
    handle: (request) => {
      seen.push(request);
      return Promise.resolve({ status: 200, headers: {}, body: new Uint8Array() });
    },
  });
  return {
    port: server.port,
    seen,
    async open() {
      const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: clientAuthorityPem });
      socket.on("error", () => undefined);
      await once(socket, "secureConnect");
      return socket;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Writes pieces until the server ends the connection; returns how many it took. */
async function writeUntilClosed(socket: TLSSocket, piece: string, mostPieces: number): Promise<number> {
  let closed = false;
  socket.once("close", () => {
    closed = true;
  });
  socket.resume();
  let written = 0;
  while (!closed && written < mostPieces) {
    socket.write(piece);
    written++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return written;
}

const LINE = `x-filler: ${"x".repeat(1_000)}\r\n`;
const MOST_PIECES = 200_000;

test("headers without end are cut off", async () => {
  await using server = await world();
  const socket = await server.open();
  socket.write("GET /edge.crt HTTP/1.1\r\nhost: cloud\r\n");
  assert.ok((await writeUntilClosed(socket, LINE, MOST_PIECES)) < MOST_PIECES);
  assert.deepEqual(server.seen, []);
});

test("a body without end is cut off, and never reaches the service", async () => {
  await using server = await world();
  const socket = await server.open();
  socket.write("GET /edge.crt HTTP/1.1\r\nhost: cloud\r\ntransfer-encoding: chunked\r\n\r\n");
  const chunk = `${(1_024).toString(16)}\r\n${"x".repeat(1_024)}\r\n`;
  assert.ok((await writeUntilClosed(socket, chunk, MOST_PIECES)) < MOST_PIECES);
  assert.deepEqual(server.seen, []);
});

test("large bodies that strangers leave unfinished have 64 MiB together; others are told to come back, small ones read", async () => {
  await using server = await world((path) => (path === "/convert" ? 4 * 1024 * 1024 : 64 * 1024));
  const post = async (path: string, lengthBytes: number, sendBytes: number): Promise<TLSSocket> => {
    const socket = await server.open();
    socket.write(`POST ${path} HTTP/1.1\r\nhost: cloud\r\ncontent-length: ${lengthBytes}\r\n\r\n`);
    socket.write(Buffer.alloc(sendBytes, 0x20));
    return socket;
  };
  const stalled: TLSSocket[] = [];
  for (let count = 0; count < 20; count++) stalled.push(await post("/convert", 4 * 1024 * 1024, 4 * 1024 * 1024 - 1));
  const answers = stalled.map(
    (socket) => new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data)))),
  );
  assert.match(await Promise.race(answers), /^HTTP\/1\.1 429 [\s\S]*retry-after: 1/i);
  const small = await post("/edge.crt", 1_000, 1_000);
  const [answer] = await once(small, "data");
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
  for (const socket of [...stalled, small]) socket.destroy();
});

test("bytes that are no TLS, and TLS that is no HTTP, are cut off and do no harm", async () => {
  await using server = await world();
  const plain = connect(server.port, "127.0.0.1");
  plain.on("error", () => undefined);
  plain.write("GET /ca.crt HTTP/1.1\r\n\r\n");
  plain.resume();
  await once(plain, "close");
  const garbage = await server.open();
  garbage.resume();
  garbage.write(Buffer.alloc(4_096, 0xfe));
  await once(garbage, "close");
  const good = await server.open();
  good.write("GET /ca.crt HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\n\r\n");
  const [answer] = await once(good, "data");
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
  good.destroy();
});

test("whoever never finishes the handshake or the header is cut off in time", async () => {
  await using server = await world();
  const silent = connect(server.port, "127.0.0.1");
  silent.on("error", () => undefined).resume();
  const slow = await server.open();
  slow.resume();
  slow.write("GET /ca.crt HTTP/1.1\r\nhost: cl");
  // Each ends by the server's own time limit; nothing else ends them.
  await Promise.all([once(silent, "close"), once(slow, "close")]);
  assert.deepEqual(server.seen, []);
});

test("a certificate of another authority is passed on unverified, with the address, for the service to judge", async () => {
  await using server = await world();
  const foreign = await systemPki.createCertificateAuthority({ validity });
  const own = await systemPki.issueCertificate(foreign, {
    commonName: "system:node:edge-1",
    organizations: ["system:nodes"],
    usages: ["clientAuth"],
    validity,
  });
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(own);
  const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: clientAuthorityPem, cert, key });
  socket.write("GET /node/../edge.crt?x=1 HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  const [request] = server.seen;
  assert.equal(request?.path, "/node/../edge.crt");
  assert.throws(() =>
    systemPki.verifyCertificate(request?.clientCertificateDer ?? new Uint8Array(), authority.certificateDer, {
      usage: "clientAuth",
      nowMs: Date.now(),
    }),
  );
});
