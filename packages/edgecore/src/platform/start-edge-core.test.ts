import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type EdgeCoreConfig, parseEdgeCoreConfig } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { decodeMessage, deliveryOf, encodeMessage, type LinkConnection, type Message, newMessage } from "@skerry/link";
import { listenWebSocket } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem, nodeSubject } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { CredentialFiles } from "../enrolment/platform/credential-files.ts";
import { startEdgeCore } from "./start-edge-core.ts";

const machine = { clock: systemClock, random: systemRandom, logger: silentLogger };

async function scratchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "skerry-edgecore-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A node without container runtime and broker. */
function config(folder: string, server: string): EdgeCoreConfig {
  const hub = {
    websocket: { server },
    httpServer: "https://127.0.0.1:1",
    tlsCaFile: join(folder, "ca.crt"),
    tlsCertFile: join(folder, "node.crt"),
    tlsPrivateKeyFile: join(folder, "node.key"),
  };
  return parseEdgeCoreConfig({
    database: { dataSource: join(folder, "data", "edgecore.db") },
    modules: {
      edgeHub: hub,
      deviceTwin: { dmiSockPath: folder },
      edged: { enable: false, hostnameOverride: "edge-1" },
      eventBus: { enable: false },
    },
  }).config;
}

test("a node without certificate and token does not start, and says which command helps", async () => {
  await using folder = await scratchFolder();
  await assert.rejects(
    startEdgeCore({ ...machine, config: config(folder.path, "127.0.0.1:1") }),
    (error) => isSkerryError(error, "ENROLMENT_TOKEN_MISSING") && error.advice.includes("npx skerry token"),
  );
});

test("an enrolled node starts without the cloud, connects over mutual TLS and acknowledges what it stored", async () => {
  await using folder = await scratchFolder();
  const now = Date.now();
  const validity = { notBeforeMs: now - 60_000, notAfterMs: now + 3_600_000 };
  const authority = await systemPki.createCertificateAuthority({ validity });
  const [cloud, node] = await Promise.all([
    systemPki.issueCertificate(authority, {
      commonName: "KubeEdge",
      organizations: ["KubeEdge"],
      usages: ["serverAuth"],
      ipAddresses: ["127.0.0.1"],
      validity,
    }),
    systemPki.issueCertificate(authority, { ...nodeSubject("edge-1"), usages: ["clientAuth"], validity }),
  ]);
  const connected = Promise.withResolvers<LinkConnection>();
  await using listener = await listenWebSocket(
    {
      ...keyedCertificatePem(cloud),
      address: "127.0.0.1",
      port: 0,
      clientAuthorityPem: certificatePem(authority.certificateDer),
      identify: (certificate) => ({
        name: certificate.subject,
        groups: [],
        certificateFingerprint: certificate.fingerprint256,
      }),
      clock: systemClock,
      logger: silentLogger,
    },
    (connection) => connected.resolve(connection),
  );
  const settings = config(folder.path, `127.0.0.1:${listener.port}`);
  await new CredentialFiles(settings.edgeHub, systemPki).write({ ...node, authorityDer: authority.certificateDer });

  await using edge = await startEdgeCore({ ...machine, config: settings });
  assert.equal(edge.nodeName, "edge-1");
  assert.equal((await stat(settings.databasePath)).mode & 0o777, 0o600);
  assert.ok((await stat(join(folder.path, "dmi.sock"))).isSocket());
  const connection = await connected.promise;
  assert.match(connection.peer.name, /CN=system:node:edge-1/);
  assert.equal(connection.headers["node_id"], "edge-1");
  assert.equal(deliveryOf(connection.headers), "skerry", "both ends are Skerry's");
  const update = newMessage(
    machine,
    { source: "edgecontroller", group: "resource", operation: "update", resource: "default/configmap/settings" },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", namespace: "default", uid: "uid-1", resourceVersion: "1" },
    },
  );
  const answers: Message[] = [];
  await new Promise<void>((resolve) => {
    connection.start({
      onFrame: (text) => {
        const message = decodeMessage(text);
        answers.push(message);
        if (message.header.parent_msg_id === update.header.msg_id) resolve();
      },
      onClose: () => resolve(),
    });
    connection.send(encodeMessage(update));
  });
  assert.deepEqual(answers.at(-1)?.content, "OK");
  assert.equal(edge.core.metaManager.list("configmap").length, 1);
});
