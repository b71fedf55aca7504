import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { isSkerryError, type ListeningPort, silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import {
  type Admit,
  type ConnectionClosed,
  deliveryOf,
  type LinkConnection,
  type LinkListener,
  retryAfterOf,
} from "@skerry/link";
import { type LinkCredentials, listenWebSocket, WebSocketDialer } from "@skerry/link/platform";
import { type CertificateOptions, certificatePem, type KeyedCertificate, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { NodeTrust } from "../cloudhub/index.ts";
import { nodeIdentifier } from "./node-identity.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const expired = { notBeforeMs: Date.now() - 120_000, notAfterMs: Date.now() - 60_000 };
const authority = await systemPki.createCertificateAuthority({ validity });
const foreignAuthority = await systemPki.createCertificateAuthority({ validity });
const server = await systemPki.issueCertificate(authority, {
  commonName: "KubeEdge",
  organizations: ["KubeEdge"],
  usages: ["serverAuth"],
  ipAddresses: ["127.0.0.1"],
  validity,
});

const trust = new NodeTrust({
  pki: systemPki,
  clock: systemClock,
  authoritiesDer: [authority.certificateDer],
  revocations: new Map(),
});

const edgeHeaders = { node_id: "edge-1", project_id: "p", ConnectionUse: "msg" };

async function credentials(
  changes: Partial<CertificateOptions> = {},
  issuer: KeyedCertificate = authority,
  trusted: KeyedCertificate = authority,
): Promise<LinkCredentials> {
  const pair = await systemPki.issueCertificate(issuer, {
    commonName: "system:node:edge-1",
    organizations: ["system:nodes"],
    usages: ["clientAuth"],
    validity,
    ...changes,
  });
  return { authorityPem: certificatePem(trusted.certificateDer), ...keyedCertificatePem(pair) };
}

/** Collects what one end of a connection is told. */
class Ear {
  readonly frames: string[] = [];
  aliveCount = 0;
  readonly closed: Promise<ConnectionClosed>;
  #wake: (() => void)[] = [];

  constructor(connection: LinkConnection) {
    this.closed = new Promise((resolve) => {
      connection.start({
        onFrame: (text) => {
          this.frames.push(text);
          this.#wakeAll();
        },
        onAlive: () => {
          this.aliveCount++;
          this.#wakeAll();
        },
        onClose: resolve,
      });
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

interface World extends AsyncDisposable {
  readonly listener: LinkListener & ListeningPort;
  readonly url: string;
  accepted(): Promise<LinkConnection>;
  dial(credentials: LinkCredentials, headers?: Record<string, string>, url?: string): Promise<LinkConnection>;
}

async function world(maxMessageBytes?: number, admit?: Admit, isBusy?: () => boolean): Promise<World> {
  const waiting: ((connection: LinkConnection) => void)[] = [];
  const ready: LinkConnection[] = [];
  const listener = await listenWebSocket(
    {
      address: "127.0.0.1",
      port: 0,
      ...keyedCertificatePem(server),
      clientAuthorityPem: certificatePem(authority.certificateDer),
      identify: nodeIdentifier(trust),
      clock: systemClock,
      logger: silentLogger,
      ...(maxMessageBytes ? { maxMessageBytes } : {}),
      ...(admit ? { admit } : {}),
      ...(isBusy ? { isBusy } : {}),
    },
    (connection) => {
      const next = waiting.shift();
      if (next) next(connection);
      else ready.push(connection);
    },
  );
  const url = `wss://127.0.0.1:${listener.port}/e632aba927ea4ac2b575ec1603d56f10/edge-1/events`;
  return {
    listener,
    url,
    accepted: () => {
      const connection = ready.shift();
      return connection ? Promise.resolve(connection) : new Promise((resolve) => waiting.push(resolve));
    },
    dial: (own, headers = edgeHeaders, to = url) =>
      new WebSocketDialer({ credentials: () => Promise.resolve(own) }).dial(to, headers, new AbortController().signal),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** A dial that must end refused: by an error, or by a close right after (TLS 1.3 tells the client late). */
async function refusal(attempt: Promise<LinkConnection>): Promise<string> {
  let connection: LinkConnection;
  try {
    connection = await attempt;
  } catch (error) {
    assert.ok(isSkerryError(error, "LINK_DIAL_FAILED"), String(error));
    return error.message;
  }
  const { code, reason } = await new Ear(connection).closed;
  return `${code} ${reason}`;
}

test("both ends agree on Skerry's delivery when the edge offers it, and on KubeEdge's when it does not", async () => {
  await using cloud = await world();
  for (const [offered, agreed] of [
    [{ "skerry-delivery": "7, 1" }, "skerry"],
    [{ "skerry-delivery": "7" }, "kubeedge"],
    [{}, "kubeedge"],
  ] as const) {
    const edge = await cloud.dial(await credentials(), { ...edgeHeaders, ...offered });
    const session = await cloud.accepted();
    assert.equal(deliveryOf(edge.headers), agreed);
    assert.equal(deliveryOf(session.headers), agreed);
    edge.close(1000, "");
  }
});

test("a node with its certificate is let in under the certificate's name, and frames go both ways in order", async () => {
  await using cloud = await world();
  const edge = await cloud.dial(await credentials());
  const session = await cloud.accepted();
  assert.equal(session.peer.name, "edge-1");
  assert.deepEqual(session.peer.groups, ["system:nodes"]);
  assert.match(session.peer.certificateFingerprint, /^[0-9a-f]{64}$/);
  assert.equal(session.headers["node_id"], "edge-1");
  assert.equal(session.requestPath, "/e632aba927ea4ac2b575ec1603d56f10/edge-1/events");
  assert.equal(edge.peer.certificateFingerprint, systemPki.readCertificate(server.certificateDer).fingerprint);
  const frames = Array.from({ length: 200 }, (_, index) => `{"n":${index},"text":"ä😀"}\n`);
  for (const frame of frames) edge.send(frame);
  const cloudEar = new Ear(session);
  await cloudEar.until(() => cloudEar.frames.length === frames.length);
  assert.deepEqual(cloudEar.frames, frames);
  for (const frame of frames) session.send(frame);
  const edgeEar = new Ear(edge);
  await edgeEar.until(() => edgeEar.frames.length === frames.length);
  assert.deepEqual(edgeEar.frames, frames);
  edge.close(1000, "done");
  assert.equal((await cloudEar.closed).code, 1000);
  assert.equal((await edgeEar.closed).reason, "done");
});

test("messages are compressed between Skerry's ends, both ways, and never where the edge is KubeEdge's", async () => {
  await using cloud = await world();
  const message = `{"route":{"group":"meta"},"content":"${"the pod is running; ".repeat(100)}"}\n`;
  for (const [headers, compressed] of [
    [{ ...edgeHeaders, "skerry-delivery": "1" }, true],
    [edgeHeaders, false],
    [{ ...edgeHeaders, "skerry-compression": "deflate-1" }, false],
  ] as const) {
    const edge = await cloud.dial(await credentials(), headers);
    const session = await cloud.accepted();
    const ears = [new Ear(edge), new Ear(session)];
    edge.send(message);
    session.send(message);
    for (const ear of ears) await ear.until(() => ear.frames.length === 1);
    for (const ear of ears) assert.deepEqual(ear.frames, [message]);
    for (const { wire } of [edge, session]) {
      assert.ok(wire);
      assert.equal(wire.sentBytes < message.length / 4, compressed);
      assert.equal(wire.receivedBytes < message.length / 4, compressed);
    }
    edge.close(1000, "");
  }
});

test("a node that comes when there is no room is told when to come again, before there is a connection", async () => {
  const asked: string[] = [];
  await using cloud = await world(undefined, (nodeName) => {
    asked.push(nodeName);
    return asked.length > 1
      ? { kind: "admitted" }
      : { kind: "busy", retryAfterMs: 2_300, reason: "500 nodes are here" };
  });
  const own = await credentials();
  await assert.rejects(cloud.dial(own), (error) => {
    assert.ok(isSkerryError(error, "LINK_CLOUD_BUSY"), String(error));
    assert.match(error.message, /500 nodes are here/);
    assert.equal(retryAfterOf(error), 3_000);
    return true;
  });
  const edge = await cloud.dial(own);
  assert.equal((await cloud.accepted()).peer.name, "edge-1");
  assert.deepEqual(asked, ["edge-1", "edge-1"]);
  edge.close(1000, "");
});

test("a node that comes while there is no room waits before its handshake, and is let in when there is", async () => {
  let isBusy = true;
  let asked = 0;
  await using cloud = await world(undefined, undefined, () => {
    asked++;
    return isBusy;
  });
  const dialled = cloud.dial(await credentials());
  while (asked < 3) await delay(5);
  const { accepted, failedHandshakes, timedOut } = cloud.listener.counters;
  assert.deepEqual([accepted, failedHandshakes, timedOut], [1, 0, 0]);
  isBusy = false;
  const connection = await cloud.accepted();
  assert.equal(connection.peer.name, "edge-1");
  (await dialled).close(1000, "done");
});

test("pings are proof of life at both ends", async () => {
  await using cloud = await world();
  const edge = await cloud.dial(await credentials());
  const session = await cloud.accepted();
  const edgeEar = new Ear(edge);
  const cloudEar = new Ear(session);
  edge.ping();
  await cloudEar.until(() => cloudEar.aliveCount === 1);
  await edgeEar.until(() => edgeEar.aliveCount === 1);
});

test("a paused connection delivers nothing until it is resumed, then everything", async () => {
  await using cloud = await world();
  const edge = await cloud.dial(await credentials());
  const session = await cloud.accepted();
  const ear = new Ear(session);
  edge.send("first");
  await ear.until(() => ear.frames.length === 1);
  session.pause();
  for (let index = 0; index < 50; index++) edge.send("x".repeat(100_000));
  // Proof that the network had the chance: a second connection's round trip takes place meanwhile.
  const other = await cloud.dial(await credentials());
  const otherEar = new Ear(await cloud.accepted());
  other.send("through");
  await otherEar.until(() => otherEar.frames.length === 1);
  assert.ok(ear.frames.length < 51);
  session.resume();
  await ear.until(() => ear.frames.length === 51);
});

test("certificates that are foreign, expired, for another purpose or name no node are refused", async () => {
  await using cloud = await world();
  const refusals: [string, Promise<LinkCredentials>][] = [
    ["foreign", credentials({}, foreignAuthority)],
    ["expired", credentials({ validity: expired })],
    ["server's", credentials({ usages: ["serverAuth"] })],
    ["legacy", credentials({ commonName: "kubeedge.io", organizations: ["KubeEdge"] })],
    ["group", credentials({ organizations: ["system:masters"] })],
    ["name", credentials({ commonName: "system:node:../../x" })],
  ];
  for (const [what, own] of refusals) {
    const text = await refusal(cloud.dial(await own));
    if (["legacy", "group", "name"].includes(what)) assert.match(text, /^1008 PKI_IDENTITY_UNKNOWN/, what);
    else assert.match(text, /refused|closed|hang up|ECONNRESET|1006/, what);
  }
  let strangers = 0;
  void cloud.accepted().then(() => strangers++);
  await cloud.dial(await credentials());
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(strangers, 1);
});

test("a certificate signed by a node's certificate is refused", async () => {
  await using cloud = await world();
  const node = await systemPki.issueCertificate(authority, {
    commonName: "system:node:edge-1",
    organizations: ["system:nodes"],
    usages: ["clientAuth"],
    validity,
  });
  await refusal(cloud.dial(await credentials({ commonName: "system:node:edge-2" }, node)));
});

test("no client certificate, no connection", async () => {
  await using cloud = await world();
  const outcome = await new Promise<string>((resolve) => {
    const socket = connectTls({ port: cloud.listener.port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.on("error", (error) => resolve(error.message));
    socket.on("data", () => resolve("served"));
    socket.on("close", () => resolve("closed"));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  assert.notEqual(outcome, "served");
});

test("an edge does not talk to a cloud of another authority, or of another name", async () => {
  await using cloud = await world();
  assert.match(await refusal(cloud.dial(await credentials({}, authority, foreignAuthority))), /another authority/);
  assert.match(
    await refusal(cloud.dial(await credentials(), edgeHeaders, cloud.url.replace("127.0.0.1", "localhost"))),
    /not for this address/,
  );
});

test("upgrades without ConnectionUse, or from a browser, are refused with a reason", async () => {
  await using cloud = await world();
  assert.match(
    await refusal(cloud.dial(await credentials(), { node_id: "edge-1" })),
    /400: The header "ConnectionUse"/,
  );
  assert.match(await refusal(cloud.dial(await credentials(), { ...edgeHeaders, ConnectionUse: "str" })), /400/);
  assert.match(await refusal(cloud.dial(await credentials(), { ...edgeHeaders, Origin: "https://x" })), /Browsers/);
  await cloud.dial(await credentials(), { ...edgeHeaders, ConnectionUse: "msg, msg" });
});

test("a frame over the limit ends the connection", async () => {
  await using cloud = await world(1000);
  const edge = await cloud.dial(await credentials());
  const ear = new Ear(await cloud.accepted());
  edge.send("x".repeat(1001));
  const { code } = await ear.closed;
  assert.equal(code, 1009);
  assert.deepEqual(ear.frames, []);
});

test("a port in use, a closed port and a wrong address are told apart", async () => {
  await using cloud = await world();
  const own = await credentials();
  await assert.rejects(
    listenWebSocket(
      {
        address: "127.0.0.1",
        port: cloud.listener.port,
        ...keyedCertificatePem(server),
        clientAuthorityPem: certificatePem(authority.certificateDer),
        identify: nodeIdentifier(trust),
        clock: systemClock,
        logger: silentLogger,
      },
      () => {},
    ),
    (error) => isSkerryError(error, "LINK_PORT_IN_USE"),
  );
  assert.match(await refusal(cloud.dial(own, edgeHeaders, "https://127.0.0.1/")), /no wss/);
  const { port } = cloud.listener;
  await cloud[Symbol.asyncDispose]();
  assert.match(await refusal(cloud.dial(own, edgeHeaders, `wss://127.0.0.1:${port}/`)), /nothing listens/);
});

test("bytes that are no TLS do no harm", async () => {
  await using cloud = await world();
  await new Promise<void>((resolve) => {
    const socket = connect(cloud.listener.port, "127.0.0.1", () => socket.end("GET / HTTP/1.1\r\n\r\n"));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
  await cloud.dial(await credentials());
  assert.equal((await cloud.accepted()).peer.name, "edge-1");
});

test("a dial that gets no answer, or is given up, ends with a reason and leaves no socket behind", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const url = `wss://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  const own = await credentials();
  const dialer = new WebSocketDialer({ credentials: () => Promise.resolve(own), handshakeTimeoutMs: 100 });
  await assert.rejects(dialer.dial(url, edgeHeaders, new AbortController().signal), (error) => {
    assert.ok(isSkerryError(error, "LINK_DIAL_FAILED"));
    return /no answer within 0.1 s/.test(error.message);
  });
  const patient = new WebSocketDialer({ credentials: () => Promise.resolve(own), handshakeTimeoutMs: 60_000 });
  const stop = new AbortController();
  const attempt = patient.dial(url, edgeHeaders, stop.signal);
  await once(silent, "connection");
  stop.abort(new Error("stopping"));
  await assert.rejects(attempt, /stopping/);
  await Promise.all([...sockets].map((socket) => (socket.closed ? undefined : once(socket.resume(), "close"))));
  silent.close();
});
