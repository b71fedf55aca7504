import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defaultCloudCoreConfig, nodes } from "@skerry/api";
import { isJsonObject, isSkerryError, type JsonValue, silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { decodeMessage, encodeMessage, type Message, newMessage, objectOf } from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { bearerTokenFor, certificatePem, nodeSubject, privateKeyPem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import type { CloudCore, CloudCoreOptions } from "./cloud-core.ts";
import { startCloudCore } from "./start-cloud-core.ts";

const noFiles = { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" };
const config = {
  ...defaultCloudCoreConfig(),
  advertiseAddresses: ["127.0.0.1"],
  credentialFiles: noFiles,
  telemetry: { kind: "none" },
} as const;

function start(api: MemoryKubernetesApi, changes: Partial<CloudCoreOptions> = {}): Promise<CloudCore> {
  return startCloudCore({
    config,
    clock,
    random,
    logger: silentLogger,
    ports: { webSocket: 0, https: 0 },
    kubernetes: { api, authorityPem: "KUBERNETES PEM" },
    // The API in memory establishes no definitions.
    installCustomResources: false,
    ...changes,
  });
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function get(
  port: number,
  path: string,
  options: { ca?: string; headers?: Record<string, string>; body?: Uint8Array },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body = new Uint8Array(), headers = {}, ca } = options;
    const call = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: "GET",
        headers: { ...headers, "content-length": body.length },
        ...(ca ? { ca } : { rejectUnauthorized: false }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

test("Prometheus is served where the configuration says so, and nowhere else", async () => {
  const metrics = { address: "127.0.0.1", port: 0 };
  await using cloudCore = await start(new MemoryKubernetesApi(), { config: { ...config, metrics } });
  const answer = await fetch(`http://127.0.0.1:${cloudCore.metricsPort}/metrics`);
  assert.match(await answer.text(), /^skerry_cloud_nodes_connected 0$/m);
  await using silent = await start(new MemoryKubernetesApi());
  assert.equal(silent.metricsPort, undefined);
});

test("a machine joins with a token as KubeEdge's edges do, connects, registers its Node, and is asked for by name", async () => {
  const api = new MemoryKubernetesApi();
  await using cloudCore = await start(api);
  const authorityDer = new Uint8Array((await get(cloudCore.httpsPort, "/ca.crt", {})).body);
  const ca = certificatePem(authorityDer);
  assert.equal(ca, cloudCore.authorityPem);
  const bearer = bearerTokenFor(systemPki, cloudCore.joinToken(), authorityDer);
  const { requestDer, privateKeyDer } = await systemPki.createCertificateRequest(nodeSubject("edge-1"));
  const headers = { Authorization: `Bearer ${bearer}`, NodeName: "edge-1" };
  const enrolled = await get(cloudCore.httpsPort, "/edge.crt", { ca, headers, body: requestDer });
  assert.equal(enrolled.status, 200, enrolled.body.toString());

  const credentials = {
    authorityPem: ca,
    certificatePem: certificatePem(new Uint8Array(enrolled.body)),
    privateKeyPem: privateKeyPem(privateKeyDer),
  };
  const dialer = new WebSocketDialer({ credentials: () => Promise.resolve(credentials) });
  const edge = await dialer.dial(
    `wss://127.0.0.1:${cloudCore.webSocketPort}/p/edge-1/events`,
    { node_id: "edge-1", project_id: "p", ConnectionUse: "msg" },
    new AbortController().signal,
  );
  const waiting = new Map<string, (message: Message) => void>();
  edge.start({
    onFrame: (text) => {
      const message = decodeMessage(text);
      waiting.get(message.header.parent_msg_id ?? "")?.(message);
    },
    onClose: () => {},
  });
  const ask = (operation: string, resource: string, content: JsonValue): Promise<Message> => {
    const message = newMessage({ clock, random }, { source: "edged", group: "meta", operation, resource }, content);
    const answer = new Promise<Message>((resolve) => waiting.set(message.header.msg_id, resolve));
    edge.send(encodeMessage(message));
    return answer;
  };
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "edge-1", labels: { "node-role.kubernetes.io/edge": "" } },
  };
  const registered = await ask("insert", "null/node/edge-1", node);
  assert.equal(objectOf(registered.content)?.metadata.name, "edge-1");
  assert.equal((await api.get({ resource: nodes, name: "edge-1" })).metadata.name, "edge-1");
  const stolen = await ask("query", "kube-system/secret/other", null);
  assert.ok(isJsonObject(stolen.content) && "ErrStatus" in stolen.content);
  assert.equal((await ask("query", "k8s/ca.crt", null)).content, "KUBERNETES PEM");
  assert.equal((await get(cloudCore.httpsPort, "/node/edge-1", { ca })).status, 200);
  edge.close(1000, "done");
});

test("a restarted CloudCore has the same authority, so that enrolled nodes need nothing new", async () => {
  const api = new MemoryKubernetesApi();
  const first = await start(api);
  const { authorityPem } = first;
  await first[Symbol.asyncDispose]();
  await using second = await start(api);
  assert.equal(second.authorityPem, authorityPem);
});

test("too large a body is refused, a port in use is named", async () => {
  const api = new MemoryKubernetesApi();
  await using cloudCore = await start(api);
  const answer = await get(cloudCore.httpsPort, "/edge.crt", { body: new Uint8Array(100_000) });
  assert.equal(answer.status, 413);
  const ports = { webSocket: 0, https: cloudCore.httpsPort };
  await assert.rejects(start(api, { ports }), (error) => isSkerryError(error, "CLOUDHUB_PORT_IN_USE"));
});

test("a certificate file without its key stops the start with a clear error", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-cloudcore-"));
  try {
    const authorityCertificate = join(folder, "ca.crt");
    writeFileSync(authorityCertificate, "x");
    const broken = {
      ...config,
      credentialFiles: { ...noFiles, authorityCertificate, authorityKey: join(folder, "ca.key") },
    };
    await assert.rejects(start(new MemoryKubernetesApi(), { config: broken }), (error) =>
      isSkerryError(error, "CLOUDHUB_HALF_PAIR"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
