import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { type KeyedCertificate, nodeSubject } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { Multiplexer } from "@skerry/streams";
import { revokeNode } from "../cloudhub/index.ts";
import { endOf, SecuredCloud } from "./testing/secured-cloud.ts";

const DAY_MS = 86_400_000;

test("revoking a node ends its session and its tunnel, and its certificate is refused on every port", async () => {
  await using cloud = await SecuredCloud.start();
  const pair = await cloud.certificate("edge-1");
  const otherPair = await cloud.certificate("edge-2");
  const ended = endOf(await cloud.dial(pair, "edge-1"));
  const other = await cloud.dial(otherPair, "edge-2");
  void endOf(other);
  const connection = await cloud.dialTunnel(pair, "edge-1");
  const tunnel = new Multiplexer({ connection, clock: systemClock, logger: silentLogger });
  tunnel.start();

  await revokeNode(cloud.api, "edge-1", { nowMs: Date.now() });
  const { code, reason } = await ended;
  assert.equal(code, 1008);
  assert.match(reason, /^CLOUDHUB_NODE_REVOKED/);
  if (!tunnel.ended.aborted) await once(tunnel.ended, "abort");

  assert.match((await endOf(await cloud.dial(pair, "edge-1"))).reason, /^CLOUDHUB_NODE_REVOKED/);
  await assert.rejects(
    cloud.dialTunnel(pair, "edge-1"),
    (error) => isSkerryError(error, "STREAMS_DIAL_FAILED") && /REVOKED|403/.test(error.message),
  );
  const { requestDer } = await systemPki.createCertificateRequest(nodeSubject("edge-1"));
  const renewal = await cloud.get("/edge.crt", { pair, headers: { NodeName: "edge-1" }, body: requestDer });
  assert.equal(renewal.status, 403);
  assert.match(renewal.text, /^CLOUDHUB_NODE_REVOKED/);
  assert.deepEqual([...cloud.core.cloudHub.connectedNodes], ["edge-2"], "the other node stays");
  other.close(1000, "done");
});

test("a tunnel ends with its certificate, unless that was renewed meanwhile", async () => {
  await using cloud = await SecuredCloud.start();
  const notAfterMs = Date.now() + 4_000;
  const open = async (name: string): Promise<{ readonly pair: KeyedCertificate; readonly tunnel: Multiplexer }> => {
    const pair = await cloud.certificate(name, { validity: { notBeforeMs: Date.now() - DAY_MS, notAfterMs } });
    const connection = await cloud.dialTunnel(pair, name);
    const tunnel = new Multiplexer({ connection, clock: systemClock, logger: silentLogger });
    tunnel.start();
    return { pair, tunnel };
  };
  const renewed = await open("edge-1");
  const forgotten = await open("edge-2");
  const { requestDer } = await systemPki.createCertificateRequest(nodeSubject("edge-1"));
  const headers = { NodeName: "edge-1" };
  const renewal = await cloud.get("/edge.crt", { pair: renewed.pair, headers, body: requestDer });
  assert.equal(renewal.status, 200, renewal.text);
  assert.equal(forgotten.tunnel.ended.aborted, false, "its certificate still holds");
  await once(forgotten.tunnel.ended, "abort");
  assert.ok(Date.now() >= notAfterMs - 1_000);
  assert.equal(renewed.tunnel.ended.aborted, false);
  renewed.tunnel.close("the test ends");
});

test("over TLS an expired certificate opens no session, but renews itself", async () => {
  await using cloud = await SecuredCloud.start();
  const nowMs = Date.now();
  const pair = await cloud.certificate("edge-1", {
    validity: { notBeforeMs: nowMs - 30 * DAY_MS, notAfterMs: nowMs - DAY_MS },
  });
  await assert.rejects(cloud.dial(pair, "edge-1"), (error) => isSkerryError(error, "LINK_DIAL_FAILED"));
  const { requestDer, privateKeyDer } = await systemPki.createCertificateRequest(nodeSubject("edge-1"));
  const renewal = await cloud.get("/edge.crt", { pair, headers: { NodeName: "edge-1" }, body: requestDer });
  assert.equal(renewal.status, 200, renewal.text);
  const connection = await cloud.dial({ certificateDer: renewal.body, privateKeyDer }, "edge-1");
  connection.close(1000, "done");
  const old = await cloud.certificate("edge-1", {
    validity: { notBeforeMs: nowMs - 300 * DAY_MS, notAfterMs: nowMs - 91 * DAY_MS },
  });
  const late = await cloud.get("/edge.crt", { pair: old, headers: { NodeName: "edge-1" }, body: requestDer });
  assert.equal(late.status, 401);
  assert.match(late.text, /^CLOUDHUB_RENEWAL_WINDOW_OVER/);
});
