import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { isSkerryError } from "@skerry/base";
import { keyedCertificatePem } from "@skerry/pki";
import { encodeResponseHead, TUNNEL_PATH } from "@skerry/streams";
import { WebSocketTunnelDialer } from "@skerry/streams/platform";
import type { StreamPeer } from "../peer-streams.ts";
import type { RunningCloudStream } from "./start-cloud-stream.ts";
import {
  API_SERVER,
  call,
  client,
  clusterAuthority,
  connectEdge,
  edgeAuthority,
  edgeAuthorityPem,
  serveHello,
  start,
  streamCluster,
} from "./testing/stream-world.ts";

/** Some CloudStreams that know each other. */
async function startSeveral(
  count: number,
  ask: (index: number, nodeName: string) => boolean = () => false,
): Promise<AsyncDisposable & { readonly all: RunningCloudStream[] }> {
  await using stack = new AsyncDisposableStack();
  const api = await streamCluster();
  const all: RunningCloudStream[] = [];
  const peers: StreamPeer[] = [];
  for (let index = 0; index < count; index++) {
    const name = `cloudcore-${index}`;
    const others = async (): Promise<StreamPeer[]> => peers.filter((peer) => peer.name !== name);
    const running = stack.use(
      await start((nodeName) => ask(index, nodeName), {
        api,
        replicas: { authority: edgeAuthority, peerPort: 0, others },
      }),
    );
    peers.push({ name, peerAddress: `127.0.0.1:${running.peerPort}` });
    all.push(running);
  }
  const started = stack.move();
  return { all, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function running({ all }: { readonly all: readonly RunningCloudStream[] }, index: number): RunningCloudStream {
  const found = all[index];
  assert.ok(found);
  return found;
}

const LOG = "/containerLogs/default/web/app";

test("kubectl logs works at each CloudCore, whichever has the node's tunnel, also after the tunnel has moved", async () => {
  await using clouds = await startSeveral(3);
  for (const at of [2, 0, 1]) {
    using _edge = await connectEdge(running(clouds, at), serveHello);
    for (const cloud of clouds.all)
      assert.deepEqual(await call(cloud, `${LOG}?tailLines=5`), { status: 200, text: `${LOG}?tailLines=5` });
  }
});

test("a node that opens its tunnel when asked is asked by the CloudCore with its session, wherever its tunnel then comes", async () => {
  await using stack = new AsyncDisposableStack();
  let asked = 0;
  let tunnelAt = 0;
  const clouds: Awaited<ReturnType<typeof startSeveral>> = stack.use(
    await startSeveral(3, (index) => {
      if (index !== 1) return false; // Its session is elsewhere.
      asked++;
      connectEdge(running(clouds, tunnelAt), serveHello).then(
        (edge) => stack.use(edge),
        () => undefined,
      );
      return true;
    }),
  );
  for (tunnelAt of [2, 1, 0]) {
    const before = asked;
    assert.equal((await call(running(clouds, 0), LOG)).status, 200);
    assert.equal((await call(running(clouds, 2), LOG)).status, 200);
    assert.equal(asked, before + 1, "a node that has a tunnel is not asked for another");
    for (const { cloudStream } of clouds.all) cloudStream.expel("edge-1", "the test says so");
    while (clouds.all.some(({ cloudStream }) => cloudStream.connectedNodes.size > 0))
      await new Promise((resolve) => setImmediate(resolve));
  }
});

test("exec through another CloudCore carries bytes both ways, and nothing more than the request's own headers", async () => {
  await using clouds = await startSeveral(2);
  let seen: Readonly<Record<string, readonly string[]>> = {};
  using _edge = await connectEdge(running(clouds, 1), async ({ headers }, stream) => {
    seen = headers;
    await stream.write(encodeResponseHead(101, "Switching Protocols", { connection: "Upgrade", upgrade: "SPDY/3.1" }));
    for (let bytes = await stream.read(); bytes; bytes = await stream.read()) await stream.write(bytes);
  });
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(await client(API_SERVER, clusterAuthority));
  const port = running(clouds, 0).kubeletPort ?? 0;
  const socket = connect({ port, host: "127.0.0.1", ca: edgeAuthorityPem, cert, key });
  let received = "";
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  socket.write(
    "POST /exec/default/web/app?command=cat HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n",
  );
  while (!received.includes("\r\n\r\n")) await once(socket, "data");
  assert.match(received, /^HTTP\/1\.1 101 /);
  const sent = "0123456789abcdef".repeat(64 * 1024);
  socket.write(sent);
  while (received.length < received.indexOf("\r\n\r\n") + 4 + sent.length) await once(socket, "data");
  assert.ok(received.endsWith(sent));
  assert.equal(seen["skerry-node"], undefined);
  socket.destroy();
});

test("a refusal of the node and of the CloudCore that has it keep their status and text", async () => {
  await using clouds = await startSeveral(2);
  using _edge = await connectEdge(running(clouds, 1), async (_asked, stream) => {
    await stream.write(encodeResponseHead(400, "Bad Request", {}));
    await stream.write(new TextEncoder().encode("container is waiting"));
  });
  assert.deepEqual(await call(running(clouds, 0), LOG), { status: 400, text: "container is waiting" });
});

test("a node without a tunnel anywhere is offline, also while another CloudCore does not answer", async () => {
  await using clouds = await startSeveral(3);
  const gone = running(clouds, 2);
  await gone[Symbol.asyncDispose]();
  const { status, text } = await call(running(clouds, 0), LOG);
  assert.equal(status, 503);
  assert.match(text, /node "edge-1" is offline/);
  using _edge = await connectEdge(running(clouds, 1), serveHello);
  assert.equal((await call(running(clouds, 0), LOG)).status, 200);
});

test("only a CloudCore is let in on the port for peers: no node, no API server, no certificate of another authority", async () => {
  await using clouds = await startSeveral(1);
  const url = `wss://127.0.0.1:${running(clouds, 0).peerPort}${TUNNEL_PATH}`;
  const strangers = [
    await client("system:node:edge-1", edgeAuthority, ["system:nodes"]),
    await client("skerry:cloudcore", edgeAuthority, ["system:nodes"]),
    await client("skerry:cloudcore", clusterAuthority, ["skerry:cloudcores"]),
    await client(API_SERVER, clusterAuthority),
  ];
  for (const pair of strangers) {
    const credentials = { authorityPem: edgeAuthorityPem, ...keyedCertificatePem(pair) };
    const dialling = new WebSocketTunnelDialer(async () => credentials).dial(url, {}, new AbortController().signal);
    await assert.rejects(dialling, (error) => isSkerryError(error, "STREAMS_DIAL_FAILED"));
  }
});

test("a CloudCore's certificate for its peers opens no tunnel as a node", async () => {
  await using clouds = await startSeveral(1);
  const pair = await client("skerry:cloudcore", edgeAuthority, ["skerry:cloudcores"]);
  const credentials = { authorityPem: edgeAuthorityPem, ...keyedCertificatePem(pair) };
  const url = `wss://127.0.0.1:${running(clouds, 0).tunnelPort}${TUNNEL_PATH}`;
  const dialling = new WebSocketTunnelDialer(async () => credentials).dial(url, {}, new AbortController().signal);
  await assert.rejects(dialling, (error) => isSkerryError(error, "STREAMS_DIAL_FAILED"));
});

test("a tunnel is dialled within TLS only: its frames are not masked", async () => {
  const credentials = { authorityPem: edgeAuthorityPem, certificatePem: "", privateKeyPem: "" };
  const dialler = new WebSocketTunnelDialer(async () => credentials);
  const dialling = dialler.dial(`ws://127.0.0.1:9${TUNNEL_PATH}`, {}, new AbortController().signal);
  await assert.rejects(dialling, /wss:/);
});
