import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nodes } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { bearerTokenFor, createJoinToken, createSkerryToken, nodeSubject } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import type { JoinTokenScope } from "../credentials/join-token-record.ts";
import { JoinTokenRecords } from "../credentials/join-token-records.ts";
import type { NodeRevocation } from "../trust/node-revocations.ts";
import { NodeTrust } from "../trust/node-trust.ts";
import { type EnrolmentRequest, EnrolmentService, type EnrolmentServiceOptions } from "./enrolment-service.ts";

const DAY_MS = 86_400_000;
const startMs = Date.UTC(2026, 10, 22);
const authority = await systemPki.createCertificateAuthority({
  validity: { notBeforeMs: startMs - DAY_MS, notAfterMs: startMs + 1000 * DAY_MS },
});
const token = bearerTokenFor(
  systemPki,
  createJoinToken(systemPki, {
    authorityDer: authority.certificateDer,
    key: authority.privateKeyDer,
    expiresAtMs: startMs + DAY_MS,
  }),
  authority.certificateDer,
);

interface World {
  readonly clock: ManualClock;
  readonly api: MemoryKubernetesApi;
  readonly connected: Set<string>;
  readonly revocations: Map<string, NodeRevocation>;
  ask(request: Partial<EnrolmentRequest>): Promise<{ status: number; text: string; body: Uint8Array }>;
}

function world(changes: Pick<EnrolmentServiceOptions, "nextAuthority"> = {}): World {
  const clock = new ManualClock(startMs);
  const api = new MemoryKubernetesApi();
  const connected = new Set<string>();
  const revocations = new Map<string, NodeRevocation>();
  const trust = new NodeTrust({ pki: systemPki, clock, authoritiesDer: [authority.certificateDer], revocations });
  const service = new EnrolmentService({
    trust,
    renewalWindowMs: 90 * DAY_MS,
    pki: systemPki,
    api,
    clock,
    logger: silentLogger,
    authority,
    ...changes,
    edgeCertificateValidityMs: 365 * DAY_MS,
    tokens: new JoinTokenRecords(api, systemPki),
    isConnected: (nodeName) => connected.has(nodeName),
  });
  return {
    clock,
    api,
    connected,
    revocations,
    ask: async (request) => {
      const { status, body } = await service.handle({
        method: "GET",
        path: "/edge.crt",
        headers: {},
        body: new Uint8Array(),
        clientCertificateDer: undefined,
        remoteAddress: "192.0.2.9",
        ...request,
      });
      return { status, body, text: Buffer.from(body).toString("utf8") };
    },
  };
}

function withToken(nodeName = "edge-1", own = token): Record<string, string> {
  return { authorization: `Bearer ${own}`, nodename: nodeName };
}

const request = (nodeName: string): ReturnType<typeof systemPki.createCertificateRequest> =>
  systemPki.createCertificateRequest(nodeSubject(nodeName));

test("anyone may read the authority's certificate", async () => {
  const { ask } = world();
  assert.deepEqual((await ask({ path: "/ca.crt" })).body, authority.certificateDer);
});

test("a token enrols a node: its name, its group, client authentication, a year", async () => {
  const { ask } = world();
  const { requestDer, privateKeyDer } = await request("edge-1");
  const { status, body } = await ask({ headers: withToken(), body: requestDer });
  assert.equal(status, 200);
  const facts = systemPki.verifyCertificate(body, authority.certificateDer, { usage: "clientAuth", nowMs: startMs });
  assert.equal(facts.commonName, "system:node:edge-1");
  assert.deepEqual(facts.organizations, ["system:nodes"]);
  assert.deepEqual(facts.usages, ["clientAuth"]);
  assert.equal(facts.notAfterMs, startMs + 365 * DAY_MS);
  assert.ok(systemPki.keyMatches({ certificateDer: body, privateKeyDer }));
});

test("names that contradict each other, other groups and impossible names are refused", async () => {
  const { ask } = world();
  const { requestDer } = await request("edge-1");
  assert.match(
    (await ask({ headers: withToken("edge-2"), body: requestDer })).text,
    /CLOUDHUB_NODE_NAME_CONTRADICTION/,
  );
  const master = await systemPki.createCertificateRequest({ commonName: "admin", organizations: ["system:masters"] });
  const refused = await ask({ headers: withToken(), body: master.requestDer });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /PKI_IDENTITY_UNKNOWN/);
});

test("without a good token nobody is enrolled", async () => {
  const { ask, clock } = world();
  const { requestDer } = await request("edge-1");
  const cases: [Record<string, string>, RegExp][] = [
    [{ nodename: "edge-1" }, /PKI_TOKEN_MISSING/],
    [withToken("edge-1", "x"), /PKI_TOKEN_MALFORMED/],
    [
      withToken(
        "edge-1",
        token.replace(/.$/, (last) => (last === "A" ? "E" : "A")),
      ),
      /PKI_TOKEN_FORGED/,
    ],
  ];
  for (const [headers, finding] of cases) {
    const { status, text } = await ask({ headers, body: requestDer });
    assert.equal(status, 401);
    assert.match(text, finding);
  }
  await clock.advance(DAY_MS);
  const { status, text } = await ask({ headers: withToken(), body: requestDer });
  assert.equal(status, 401);
  assert.match(text, /PKI_TOKEN_EXPIRED/);
});

test("a body that is no request is refused", async () => {
  const { ask } = world();
  for (const body of [new Uint8Array(), new Uint8Array(100)])
    assert.equal((await ask({ headers: withToken(), body })).status, 400);
});

test("a node renews with its certificate alone, and only under its own name", async () => {
  const { ask, connected } = world();
  connected.add("edge-1");
  const validity = { notBeforeMs: startMs - 1000, notAfterMs: startMs + 30 * DAY_MS };
  const own = await systemPki.issueCertificate(authority, {
    ...nodeSubject("edge-1"),
    usages: ["clientAuth"],
    validity,
  });
  const { requestDer } = await request("edge-1");
  const clientCertificateDer = own.certificateDer;
  const renewed = await ask({ clientCertificateDer, headers: { nodename: "edge-1" }, body: requestDer });
  assert.equal(renewed.status, 200);
  assert.equal(systemPki.readCertificate(renewed.body).commonName, "system:node:edge-1");

  const other = await request("edge-2");
  const stolen = await ask({ clientCertificateDer, headers: {}, body: other.requestDer });
  assert.equal(systemPki.readCertificate(stolen.body).commonName, "system:node:edge-1");
  const claim = await ask({ clientCertificateDer, headers: { nodename: "edge-2" }, body: other.requestDer });
  assert.equal(claim.status, 401);
});

test("a node that renews without end has to wait, others need not", async () => {
  const { ask, clock } = world();
  const { requestDer } = await request("edge-1");
  const renew = async (nodeName: string): Promise<number> => {
    const validity = { notBeforeMs: startMs - 1000, notAfterMs: startMs + 30 * DAY_MS };
    const subject = { ...nodeSubject(nodeName), usages: ["clientAuth"] as const, validity };
    const { certificateDer } = await systemPki.issueCertificate(authority, subject);
    return (await ask({ clientCertificateDer: certificateDer, body: requestDer })).status;
  };
  for (let time = 0; time < 10; time++) assert.equal(await renew("edge-1"), 200);
  assert.deepEqual([await renew("edge-1"), await renew("edge-2")], [429, 200]);
  await clock.advance(60_000);
  assert.equal(await renew("edge-1"), 200);
});

test("a certificate that expired while its node was offline is renewed within the window, and not beyond", async () => {
  const { ask, clock } = world();
  const validity = { notBeforeMs: startMs - 1000, notAfterMs: startMs + 30 * DAY_MS };
  const own = await systemPki.issueCertificate(authority, {
    ...nodeSubject("edge-1"),
    usages: ["clientAuth"],
    validity,
  });
  const { requestDer } = await request("edge-1");
  const renewal = { clientCertificateDer: own.certificateDer, headers: { nodename: "edge-1" }, body: requestDer };
  await clock.advance(30 * DAY_MS + 90 * DAY_MS);
  const renewed = await ask(renewal);
  assert.equal(renewed.status, 200);
  assert.ok(systemPki.readCertificate(renewed.body).notAfterMs > clock.now());
  await clock.advance(1000);
  const late = await ask(renewal);
  assert.equal(late.status, 401);
  assert.match(late.text, /CLOUDHUB_RENEWAL_WINDOW_OVER.*for 90 days/);
});

test("a revoked node renews nothing and enrols only with a token that was made afterwards", async () => {
  const here = world();
  const { ask, clock, revocations } = here;
  const validity = { notBeforeMs: startMs - 1000, notAfterMs: startMs + 30 * DAY_MS };
  const own = await systemPki.issueCertificate(authority, {
    ...nodeSubject("edge-1"),
    usages: ["clientAuth"],
    validity,
  });
  const { requestDer } = await request("edge-1");
  const before = await ownToken(here, { kind: "node", nodeName: "edge-1" });
  await clock.advance(1000);
  revocations.set("edge-1", { nodeName: "edge-1", cutoffMs: clock.now() });
  const refusal = async (changes: Partial<EnrolmentRequest>): Promise<void> => {
    const { status, text } = await ask({ headers: { nodename: "edge-1" }, body: requestDer, ...changes });
    assert.equal(status, 403);
    assert.match(text, /CLOUDHUB_NODE_REVOKED/);
  };
  await refusal({ clientCertificateDer: own.certificateDer });
  await refusal({ headers: withToken("edge-1", before.bearer) });
  await refusal({ headers: withToken("edge-1") });
  await clock.advance(1000);
  const after = await ownToken(here, { kind: "node", nodeName: "edge-1" });
  const enrolled = await ask({ headers: withToken("edge-1", after.bearer), body: requestDer });
  assert.equal(enrolled.status, 200);
  const again = await ask({ clientCertificateDer: enrolled.body, headers: {}, body: requestDer });
  assert.equal(again.status, 200, "its new certificate is good");
  await refusal({ clientCertificateDer: own.certificateDer });
});

test("an expired or foreign certificate does not stand in the way of a good token", async () => {
  const { ask } = world();
  const validity = { notBeforeMs: startMs - 2 * DAY_MS, notAfterMs: startMs - DAY_MS };
  const expired = await systemPki.issueCertificate(authority, {
    ...nodeSubject("edge-1"),
    usages: ["clientAuth"],
    validity,
  });
  const { requestDer } = await request("edge-1");
  const { status } = await ask({
    clientCertificateDer: expired.certificateDer,
    headers: withToken(),
    body: requestDer,
  });
  assert.equal(status, 200);
});

test("the name of a node that is connected is not given to another key", async () => {
  const { ask, connected } = world();
  connected.add("edge-1");
  const { requestDer } = await request("edge-1");
  assert.equal((await ask({ headers: withToken(), body: requestDer })).status, 409);
  connected.clear();
  assert.equal((await ask({ headers: withToken(), body: requestDer })).status, 200);
});

test("a token does not make anybody one of the cluster's other nodes", async () => {
  const { ask, api } = world();
  const node = (name: string, labels: Record<string, string>): Promise<unknown> =>
    api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  await node("control-plane-1", { "node-role.kubernetes.io/control-plane": "" });
  await node("edge-1", { "node-role.kubernetes.io/edge": "" });
  const enrol = async (name: string): Promise<number> =>
    (await ask({ headers: withToken(name), body: (await request(name)).requestDer })).status;
  assert.equal(await enrol("control-plane-1"), 409);
  assert.equal(await enrol("edge-1"), 200);
});

test("who fails too often has to wait, others need not", async () => {
  const { ask, clock } = world();
  const { requestDer } = await request("edge-1");
  for (let attempt = 0; attempt < 10; attempt++) await ask({ headers: withToken("edge-1", "x"), body: requestDer });
  assert.equal((await ask({ headers: withToken(), body: requestDer })).status, 429);
  assert.equal((await ask({ headers: withToken(), body: requestDer, remoteAddress: "192.0.2.10" })).status, 200);
  await clock.advance(60_000);
  assert.equal((await ask({ headers: withToken(), body: requestDer })).status, 200);
});

test("whether a node exists is answered as KubeEdge's keadm expects, other paths are not", async () => {
  const { ask, api } = world();
  assert.deepEqual(await ask({ path: "/node/edge-1" }).then(({ status, text }) => [status, text]), [
    404,
    "Node not found",
  ]);
  await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
  assert.deepEqual(await ask({ path: "/node/edge-1" }).then(({ status, text }) => [status, text]), [200, "Node found"]);
  assert.equal((await ask({ path: "/nodeupgrade", method: "POST" })).status, 404);
  assert.equal((await ask({ path: "/edge.crt", method: "POST" })).status, 405);
});

test("who asks for nodes without end has to wait and reaches the API server no more, others do", async () => {
  const { ask, api, clock } = world();
  const lookUps = countLookUps(api);
  const statuses: number[] = [];
  for (let count = 0; count < 200; count++) statuses.push((await ask({ path: `/node/edge-${count}` })).status);
  assert.deepEqual([statuses.indexOf(429), lookUps()], [60, 60]);
  assert.equal((await ask({ path: "/node/edge-1", remoteAddress: "192.0.2.10" })).status, 404);
  await clock.advance(60_000);
  assert.equal((await ask({ path: "/node/edge-1" })).status, 404);
});

test("a node that asks for the authorities without end while they change has to wait, others need not", async () => {
  const nextAuthority = await systemPki.createCertificateAuthority({
    validity: { notBeforeMs: startMs - DAY_MS, notAfterMs: startMs + 1000 * DAY_MS },
  });
  const { ask, clock } = world({ nextAuthority });
  const certificate = async (name: string): Promise<Uint8Array> =>
    (await ask({ headers: withToken(name), body: (await request(name)).requestDer })).body;
  const [greedy, other] = [await certificate("edge-1"), await certificate("edge-2")];
  const bundle = async (clientCertificateDer: Uint8Array): Promise<number> =>
    (await ask({ path: "/ca-bundle.crt", clientCertificateDer })).status;
  const statuses: number[] = [];
  for (let count = 0; count < 30; count++) statuses.push(await bundle(greedy));
  assert.equal(statuses.indexOf(429), 10);
  assert.equal(await bundle(other), 200);
  await clock.advance(60_000);
  assert.equal(await bundle(greedy), 200);
});

test("what cannot be a node's name is not looked up at the API server", async () => {
  const { api, ask } = world();
  const lookUps = countLookUps(api);
  for (const name of ["..", ".", "%2e%2e", "A", "a b", "a?watch=true"])
    assert.equal((await ask({ path: `/node/${name}` })).status, 404, name);
  assert.equal(lookUps(), 0);
  assert.equal((await ask({ path: "/node/edge-1" })).status, 404);
  assert.equal(lookUps(), 1);
});

/** How often the API server was asked for one object since. */
function countLookUps(api: MemoryKubernetesApi): () => number {
  let lookUps = 0;
  const get = api.get.bind(api);
  api.get = (...parameters) => {
    lookUps++;
    return get(...parameters);
  };
  return () => lookUps;
}

/** Makes a token of Skerry's; returns its id and its bearer part. */
async function ownToken({ api, clock }: World, scope: JoinTokenScope): Promise<{ id: string; bearer: string }> {
  const records = new JoinTokenRecords(api, systemPki);
  const { token: made } = await records.create(scope, { nowMs: clock.now(), expiresAtMs: clock.now() + DAY_MS });
  const whole = createSkerryToken("00", made, { expiresAtMs: clock.now() + DAY_MS, cloudHub: "", cloudHttps: "" });
  return { id: made.id, bearer: whole.slice(3) };
}

const edgeNode = (name: string): Parameters<MemoryKubernetesApi["create"]>[1] => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "node-role.kubernetes.io/edge": "" } },
});

test("a token for one node enrols it once; the same key may come again, another may not", async () => {
  const here = world();
  const { bearer } = await ownToken(here, { kind: "node", nodeName: "edge-1" });
  const { requestDer } = await request("edge-1");
  const headers = withToken("edge-1", bearer);
  assert.equal((await here.ask({ headers, body: requestDer })).status, 200);
  await here.api.create({ resource: nodes }, edgeNode("edge-1"));
  assert.equal((await here.ask({ headers, body: requestDer })).status, 200, "the answer may have been lost");
  const refused = await here.ask({ headers, body: (await request("edge-1")).requestDer });
  assert.equal(refused.status, 401);
  assert.match(refused.text, /PKI_TOKEN_USED_UP/);
});

test("each refusal of a token says which check failed", async () => {
  const here = world();
  const { id, bearer } = await ownToken(here, { kind: "node", nodeName: "edge-1" });
  const ask = async (nodeName: string, shown: string): Promise<string> => {
    const { requestDer } = await request(nodeName);
    const answer = await here.ask({ headers: withToken(nodeName, shown), body: requestDer });
    assert.equal(answer.status, 401);
    return answer.text;
  };
  assert.match(await ask("edge-1", bearer.slice(0, -1)), /PKI_TOKEN_MALFORMED/);
  assert.match(await ask("edge-1", bearer.replace(/.{6}$/, "AAAAAA")), /PKI_TOKEN_FORGED/);
  assert.match(await ask("edge-1", bearer.replace(id, "aaaaaaaaaa")), /PKI_TOKEN_UNKNOWN/);
  assert.match(await ask("edge-2", bearer), /PKI_TOKEN_WRONG_NODE/);
  await here.clock.advance(DAY_MS);
  assert.match(await ask("edge-1", bearer), /PKI_TOKEN_EXPIRED/);
  await new JoinTokenRecords(here.api, systemPki).revoke(id, here.clock.now());
  assert.match(await ask("edge-1", bearer), /PKI_TOKEN_REVOKED/);
});

test("a token for several nodes enrols so many, of fitting names, at once too, and none that is there already", async () => {
  const here = world();
  const { bearer } = await ownToken(here, { kind: "batch", count: 3, namePattern: "sensor-*" });
  const enrol = async (nodeName: string): Promise<string> => {
    const { requestDer } = await request(nodeName);
    const { status, text } = await here.ask({ headers: withToken(nodeName, bearer), body: requestDer });
    return status === 200 ? "enrolled" : (/^[A-Z_]+/.exec(text)?.[0] ?? text);
  };
  assert.equal(await enrol("edge-1"), "PKI_TOKEN_WRONG_NODE");
  await here.api.create({ resource: nodes }, edgeNode("sensor-0"));
  assert.equal(await enrol("sensor-0"), "CLOUDHUB_NAME_TAKEN");
  assert.equal(await enrol("sensor-1"), "enrolled");
  assert.equal(await enrol("sensor-1"), "CLOUDHUB_NAME_TAKEN");
  const results = await Promise.all(["sensor-2", "sensor-3", "sensor-4", "sensor-5"].map(enrol));
  assert.deepEqual(results.sort(), ["PKI_TOKEN_USED_UP", "PKI_TOKEN_USED_UP", "enrolled", "enrolled"]);
});

test("a refusal for another reason does not use a token up", async () => {
  const here = world();
  const { bearer } = await ownToken(here, { kind: "node", nodeName: "edge-1" });
  const { requestDer } = await request("edge-1");
  here.connected.add("edge-1");
  assert.match((await here.ask({ headers: withToken("edge-1", bearer), body: requestDer })).text, /NAME_IN_USE/);
  here.connected.clear();
  const another = await request("edge-1");
  assert.equal((await here.ask({ headers: withToken("edge-1", bearer), body: another.requestDer })).status, 200);
});

test("recorded requests are answered with the status that KubeEdge answered", async () => {
  const { ask, api } = world();
  await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-node-1" } });
  const file = new URL("../../../../../fixtures/http/25-http-errors.jsonl", import.meta.url);
  const exchanges = readFileSync(file, "utf8").split("\n").filter(Boolean);
  assert.equal(exchanges.length, 4);
  for (const line of exchanges) {
    const { status, headers, ...recorded } = JSON.parse(line);
    // Servers hand header names over in lower case.
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    // The recorded client sent no certificate request, which is looked at first here: with one it gets as far.
    const body = (await request("edge-node-1")).requestDer;
    assert.equal((await ask({ ...recorded, headers: lower, body })).status, status, line);
  }
});
