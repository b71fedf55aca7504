import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { createJoinToken, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { defaultSettings } from "../../settings.ts";
import { checkInit, checkJoin, type Finding, requireNoErrors } from "./preflight.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = await systemPki.createCertificateAuthority({ validity });

function tokenOf(expiresAtMs: number, authorityDer = authority.certificateDer): string {
  return createJoinToken(systemPki, { authorityDer, key: authority.privateKeyDer, expiresAtMs });
}

/** The part of CloudCore that anybody may ask; it knows the node edge-1. */
async function cloud(): Promise<AsyncDisposable & { readonly address: string }> {
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(authority);
  const server = createServer({ cert, key }, (request, response) => {
    if (request.url === "/ca.crt") response.end(Buffer.from(authority.certificateDer));
    else response.writeHead(request.url === "/node/edge-1" ? 200 : 404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function codesOf(cloudHttps: string, token: string, node: string, nowMs = Date.now()): Promise<string[]> {
  const joining = { node, nodeLabels: {}, cloud: { cloudHub: "127.0.0.1:1", cloudHttps, token } };
  const findings = await checkJoin(joining, new ManualClock(nowMs));
  // Whether the tests run as root is none of their business.
  return findings.map(({ code }) => code).filter((code) => code !== "PREFLIGHT_NOT_ROOT");
}

test("a node that can join has no findings; one whose name is taken has a warning", async () => {
  await using there = await cloud();
  const token = tokenOf(Date.now() + 60_000);
  assert.deepEqual(await codesOf(there.address, token, "edge-2"), []);
  assert.deepEqual(await codesOf(there.address, token, "edge-1"), ["PREFLIGHT_NODE_EXISTS"]);
});

test("an expired token, another cloud's token, a wrong clock and an absent cloud are told apart", async () => {
  await using there = await cloud();
  const nowMs = Date.now();
  assert.deepEqual(await codesOf(there.address, tokenOf(nowMs - 2_000), "a"), ["PREFLIGHT_TOKEN_EXPIRED"]);
  const other = tokenOf(nowMs + 60_000, new Uint8Array(3));
  assert.deepEqual(await codesOf(there.address, other, "a"), ["PREFLIGHT_TOKEN_OTHER_CLOUD"]);
  const dayBeforeMs = nowMs - 86_400_000;
  assert.deepEqual(await codesOf(there.address, tokenOf(nowMs + 60_000), "a", dayBeforeMs), ["PREFLIGHT_CLOCK"]);
  assert.deepEqual(await codesOf("127.0.0.1:1", tokenOf(nowMs + 60_000), "a"), ["PREFLIGHT_CLOUD_UNREACHABLE"]);
});

test("for the cloud side a port in use and a Kubernetes that does not answer are found", async () => {
  const taken = createTcpServer();
  taken.listen(0, "0.0.0.0");
  await once(taken, "listening");
  const folder = mkdtempSync(join(tmpdir(), "skerry-preflight-"));
  try {
    const kubeConfig = join(folder, "kubeconfig");
    writeFileSync(kubeConfig, "apiVersion: v1\nkind: Config\n");
    const { port } = taken.address() as AddressInfo;
    const found = await checkInit({ ...defaultSettings(), node: undefined, cloudHubPort: port, kubeConfig });
    assert.deepEqual(
      found.map(({ code }) => code),
      ["SKERRY_PORT_IN_USE", "PREFLIGHT_CLUSTER"],
    );
  } finally {
    taken.close();
    rmSync(folder, { recursive: true });
  }
});

test("a warning lets the start go on, an error does not", () => {
  const finding: Finding = { code: "PREFLIGHT_X", level: "warning", message: "x", advice: "y" };
  requireNoErrors([finding]);
  assert.throws(
    () => requireNoErrors([{ ...finding, level: "error" }]),
    (error) => isSkerryError(error, "SKERRY_PREFLIGHT") && error.message.includes("PREFLIGHT_X"),
  );
});
