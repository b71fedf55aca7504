import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubernetesObject, secrets } from "@skerry/api";
import { fromBase64, isSkerryError, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { joinTokenExpiry } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { type CloudCredentials, type CloudCredentialsOptions, loadCloudCredentials } from "./cloud-credentials.ts";
import { JoinTokenKeeper } from "./join-token-keeper.ts";
import { SecretStore } from "./secrets.ts";

const startMs = Date.UTC(2026, 10, 22);

interface Secret extends KubernetesObject {
  data: Record<string, string>;
}

function load(api: MemoryKubernetesApi, changes: Partial<CloudCredentialsOptions> = {}): Promise<CloudCredentials> {
  return loadCloudCredentials({
    store: new SecretStore(api),
    pki: systemPki,
    clock: new ManualClock(startMs),
    logger: silentLogger,
    files: {},
    dnsNames: ["localhost"],
    ipAddresses: ["192.0.2.2", "fd00::2"],
    ...changes,
  });
}

function readSecret(api: MemoryKubernetesApi, name: string): Promise<Secret> {
  return api.get<Secret>({ resource: secrets, namespace: "kubeedge", name });
}

test("the first start makes the credentials and keeps them in the Secrets that KubeEdge uses, in its encoding", async () => {
  const api = new MemoryKubernetesApi();
  const { authority, server } = await load(api);
  const facts = systemPki.verifyCertificate(server.certificateDer, authority.certificateDer, {
    usage: "serverAuth",
    nowMs: startMs,
  });
  assert.deepEqual(facts.dnsNames, ["localhost"]);
  assert.equal(facts.ipAddresses.length, 2);
  const { data } = await readSecret(api, "casecret");
  assert.deepEqual(fromBase64(data["cadata"] ?? ""), authority.certificateDer);
  assert.deepEqual(fromBase64(data["cakeydata"] ?? ""), authority.privateKeyDer);
  const cloudcore = await readSecret(api, "cloudcoresecret");
  assert.deepEqual(fromBase64(cloudcore.data["cloudcoredata"] ?? ""), server.certificateDer);
  assert.deepEqual(fromBase64(cloudcore.data["cloudcorekeydata"] ?? ""), server.privateKeyDer);
});

test("a later start uses what is there; a new address renews the server's certificate and keeps the old names", async () => {
  const api = new MemoryKubernetesApi();
  const first = await load(api);
  assert.deepEqual(await load(api), first);
  const moved = await load(api, { ipAddresses: ["192.0.2.77"] });
  assert.deepEqual(moved.authority, first.authority);
  const { ipAddresses } = systemPki.readCertificate(moved.server.certificateDer);
  assert.deepEqual(ipAddresses.toSorted(), ["192.0.2.2", "192.0.2.77", "FD00:0:0:0:0:0:0:2"]);
  assert.deepEqual(await load(api, { ipAddresses: ["fd00:0::2"] }), moved);
});

test("two CloudCores that start together end up with one authority", async () => {
  const api = new MemoryKubernetesApi();
  const [left, right] = await Promise.all([load(api), load(api)]);
  assert.deepEqual(left.authority, right.authority);
  systemPki.verifyCertificate(left.server.certificateDer, right.authority.certificateDer, {
    usage: "serverAuth",
    nowMs: startMs,
  });
});

test("pairs from files come first and go into the Secrets", async () => {
  const api = new MemoryKubernetesApi();
  await load(api);
  const authority = await systemPki.createCertificateAuthority({
    validity: { notBeforeMs: startMs, notAfterMs: startMs + 1e9 },
  });
  const loaded = await load(api, { files: { authority } });
  assert.deepEqual(loaded.authority, authority);
  assert.deepEqual(fromBase64((await readSecret(api, "casecret")).data["cadata"] ?? ""), authority.certificateDer);
  systemPki.verifyCertificate(loaded.server.certificateDer, authority.certificateDer, {
    usage: "serverAuth",
    nowMs: startMs,
  });
});

test("a damaged Secret of the authority is not replaced by a new authority", async () => {
  const api = new MemoryKubernetesApi();
  await load(api);
  const target = { resource: secrets, namespace: "kubeedge", name: "casecret" };
  await api.patch(target, { type: "merge", body: { data: { cakeydata: null } } });
  await assert.rejects(load(api), (error) => isSkerryError(error, "CLOUDHUB_CREDENTIALS_UNUSABLE"));
});

test("the join token is stored at the start, renewed in time, and tried again when the API fails", async () => {
  const api = new MemoryKubernetesApi();
  const { authority } = await load(api);
  const clock = new ManualClock(startMs);
  const refreshMs = 12 * 3_600_000;
  let failures = 0;
  const store = new SecretStore(api);
  const read = store.read.bind(store);
  store.read = (name, signal) => (failures-- > 0 ? Promise.reject(new Error("down")) : read(name, signal));
  const random = new SeededRandom(1);
  await using keeper = new JoinTokenKeeper({
    store,
    pki: systemPki,
    clock,
    random,
    logger: silentLogger,
    authority,
    refreshMs,
  });
  const expiry = async (): Promise<number> => {
    const { data } = await readSecret(api, "tokensecret");
    return ((joinTokenExpiry(Buffer.from(data["tokendata"] ?? "", "base64").toString()) ?? 0) - startMs) / refreshMs;
  };
  await keeper.start();
  assert.equal(await expiry(), 2);
  failures = 2;
  await clock.advance(refreshMs);
  assert.equal(await expiry(), 2);
  await clock.advance(10_000);
  const renewed = await expiry();
  assert.ok(renewed > 3 && renewed < 3.001, String(renewed));
});
