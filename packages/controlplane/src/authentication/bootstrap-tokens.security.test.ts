import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubernetesObject, secrets } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { BootstrapTokenCleaner } from "../controllers/bootstraptoken/bootstrap-token-cleaner.ts";
import { CERTIFICATE_REQUEST } from "../testing/fixtures.ts";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const GOOD = {
  "token-id": "abcdef",
  "token-secret": "0123456789abcdef",
  "usage-bootstrap-authentication": "true",
};
const TOKEN = "abcdef.0123456789abcdef";

async function withToken(stringData: object, change: object = {}): Promise<TestApiServer> {
  const server = await startTestApiServer();
  const { status } = await server.call("POST", "/api/v1/namespaces/kube-system/secrets", {
    body: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "bootstrap-token-abcdef" },
      type: "bootstrap.kubernetes.io/token",
      stringData,
      ...change,
    },
  });
  assert.equal(status, 201);
  return server;
}

async function statusWith(server: TestApiServer, token: string): Promise<number> {
  return (await server.send("GET", "/api", { user: null, headers: { authorization: `Bearer ${token}` } })).status;
}

test("a bootstrap token lets its bearer in as what its Secret says", async () => {
  await using server = await withToken({
    ...GOOD,
    expiration: "2999-01-01T00:00:00Z",
    "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
  });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const { body } = await server.call("POST", whoami, { user: null, headers, body: {} });
  const userInfo = {
    username: "system:bootstrap:abcdef",
    groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"],
  };
  assert.deepEqual((body["status"] as { userInfo: object }).userInfo, userInfo);
  const review = await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: TOKEN } },
  });
  assert.deepEqual((review.body["status"] as { user: object }).user, userInfo);
  const elsewhere = await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: TOKEN, audiences: ["vault"] } },
  });
  assert.deepEqual(elsewhere.body["status"], { error: "invalid bearer token" });
});

test("a machine with a bootstrap token asks for a certificate once the administrator lets bootstrappers", async () => {
  await using server = await withToken(GOOD);
  const csr = (): Promise<number> =>
    server
      .call("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", {
        user: null,
        headers: { authorization: `Bearer ${TOKEN}` },
        body: {
          apiVersion: "certificates.k8s.io/v1",
          kind: "CertificateSigningRequest",
          metadata: { name: "node" },
          spec: {
            request: CERTIFICATE_REQUEST,
            signerName: "kubernetes.io/kube-apiserver-client-kubelet",
            usages: ["client auth"],
          },
        },
      })
      .then(({ status }) => status);
  assert.equal(await csr(), 403);
  const apiVersion = "rbac.authorization.k8s.io/v1";
  await server.call("POST", `/apis/${apiVersion}/clusterrolebindings`, {
    body: {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name: "kubelet-bootstrap" },
      roleRef: { kind: "ClusterRole", name: "system:node-bootstrapper" },
      subjects: [{ kind: "Group", name: "system:bootstrappers" }],
    },
  });
  assert.equal(await csr(), 201);
});

test("a bootstrap token that is wrong, expired, for something else or badly kept lets nobody in", async () => {
  {
    await using server = await withToken(GOOD);
    assert.equal(await statusWith(server, TOKEN), 200);
    for (const token of ["abcdef.0123456789abcdee", "abcdeg.0123456789abcdef", "abcdef.", "ABCDEF.0123456789abcdef"])
      assert.equal(await statusWith(server, token), 401, token);
    await server.call("DELETE", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef");
    assert.equal(await statusWith(server, TOKEN), 401);
  }
  const bad: readonly (readonly [object, object])[] = [
    [{ ...GOOD, expiration: "2001-01-01T00:00:00Z" }, {}],
    [{ ...GOOD, expiration: "soon" }, {}],
    [{ ...GOOD, "usage-bootstrap-authentication": "false" }, {}],
    [{ ...GOOD, "token-id": "ghijkl" }, {}],
    [{ "token-id": "abcdef", "usage-bootstrap-authentication": "true" }, {}],
    [{ ...GOOD, "auth-extra-groups": "system:masters" }, {}],
    [{ ...GOOD, "auth-extra-groups": "system:bootstrappers:a,system:masters" }, {}],
    [GOOD, { type: "Opaque" }],
  ];
  for (const [data, change] of bad) {
    await using server = await withToken(data, change);
    assert.equal(await statusWith(server, TOKEN), 401, JSON.stringify([data, change]));
  }
});

test("an expired bootstrap token is deleted when its time has come, others stay", async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const api = new MemoryKubernetesApi({ now: () => clock.now() });
  const at = { resource: secrets, namespace: "kube-system" };
  const create = (
    name: string,
    expiration: string | undefined,
    type = "bootstrap.kubernetes.io/token",
  ): Promise<unknown> => {
    const data = expiration === undefined ? {} : { expiration: Buffer.from(expiration).toString("base64") };
    const secret: KubernetesObject & { type: string; data: object } = {
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name } },
      ...{ type, data },
    };
    return api.create(at, secret);
  };
  await create("gone", "2025-12-31T00:00:00Z");
  await create("later", "2026-01-03T00:00:00Z");
  await create("forever", undefined);
  await create("other", "2025-12-31T00:00:00Z", "Opaque");
  await using cleaner = new BootstrapTokenCleaner({ api, clock, random: new SeededRandom(1), logger: silentLogger });
  cleaner.start();
  await clock.settle();
  const names = async (): Promise<string[]> => (await api.list(at)).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names(), ["forever", "later", "other"]);
  await clock.advance(2 * 24 * 3600 * 1000 - 1000);
  assert.deepEqual(await names(), ["forever", "later", "other"]);
  await clock.advance(1000);
  assert.deepEqual(await names(), ["forever", "other"]);
});
