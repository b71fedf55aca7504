import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pod, pods, type ServiceAccount, serviceAccounts, type TokenRequest } from "@skerry/api";
import { isApiError } from "@skerry/kube";
import { startTestApiServer } from "../testing/test-api-server.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const user = { username: "jane", groups: [] };

test("a user may do what stored roles allow in a namespace, and nothing else", async () => {
  await using server = await startTestApiServer();
  const url = "/api/v1/namespaces/default/pods";
  const refused = await server.call("GET", url, { user });
  assert.equal(refused.status, 403);
  assert.equal(
    refused.body["message"],
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  await server.call("POST", `${RBAC}/namespaces/default/roles`, {
    body: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "r" },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }],
    },
  });
  await server.call("POST", `${RBAC}/namespaces/default/rolebindings`, {
    body: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "rb" },
      roleRef: { kind: "Role", name: "r" },
      subjects: [{ kind: "User", name: "jane" }],
    },
  });
  assert.equal((await server.call("GET", url, { user })).status, 200);
  assert.equal((await server.call("GET", "/api/v1/pods", { user })).status, 403);
  assert.equal((await server.call("GET", "/api/v1/namespaces/kube-system/pods", { user })).status, 403);
  assert.equal((await server.call("DELETE", `${url}/x`, { user })).status, 403);
  assert.equal((await server.call("GET", "/apis", { user })).status, 200);
  const review = await server.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    user,
    body: { spec: { resourceAttributes: { namespace: "default", verb: "list", resource: "pods" } } },
  });
  assert.deepEqual(review.body["status"], { allowed: true });
});

test("only who may impersonate acts as somebody else, and then with no more rights than they have", async () => {
  await using server = await startTestApiServer();
  const headers = { "impersonate-user": "jane" };
  assert.equal((await server.call("GET", "/api/v1/secrets", { headers })).status, 403);
  const climbing = { "impersonate-user": "root", "impersonate-group": "system:masters" };
  assert.equal((await server.call("GET", "/api/v1/secrets", { user, headers: climbing })).status, 403);
});

test("a UID and extra values are taken on only by who may have each of them", async () => {
  await using server = await startTestApiServer();
  const review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const headers = {
    "impersonate-user": "jane",
    "impersonate-uid": "u-1",
    "impersonate-extra-example.com%2fScopes": "read, write",
  };
  const { status, body } = await server.call("POST", review, { headers, body: {} });
  assert.equal(status, 201);
  const { userInfo } = body["status"] as { userInfo: Record<string, unknown> };
  assert.equal(userInfo["uid"], "u-1");
  assert.deepEqual(userInfo["extra"], { "example.com/scopes": ["read", "write"] });

  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const may = (apiGroup: string, resources: string[]): object => ({
    apiGroups: [apiGroup],
    resources,
    verbs: ["impersonate"],
  });
  const roleOf = async (rules: object[]): Promise<void> => {
    const role = { metadata: { name: "actors" }, rules };
    const made = await server.call("POST", `${rbac}/clusterroles`, { body: role });
    if (made.status === 409)
      assert.equal((await server.call("PUT", `${rbac}/clusterroles/actors`, { body: role })).status, 200);
  };
  await roleOf([may("", ["users"])]);
  const binding = {
    metadata: { name: "actors" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "actors" },
    subjects: [{ kind: "User", name: user.username }],
  };
  assert.equal((await server.call("POST", `${rbac}/clusterrolebindings`, { body: binding })).status, 201);
  const statusFor = async (asked: Record<string, string>): Promise<number> =>
    (await server.call("POST", review, { user, headers: asked, body: {} })).status;
  const { "impersonate-uid": uid, ...others } = headers;
  assert.equal(await statusFor({ "impersonate-user": "jane" }), 201);
  assert.equal(await statusFor({ "impersonate-user": "jane", "impersonate-uid": uid }), 403);
  assert.equal(await statusFor(others), 403);
  const group = "authentication.k8s.io";
  await roleOf([may("", ["users"]), may(group, ["uids", "userextras/example.com/scopes"])]);
  assert.equal(await statusFor(headers), 201);
});

test("a service account's token lets its bearer in until the account or the pod it is bound to is gone", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const at = { resource: serviceAccounts, namespace: "default", name: "worker" };
  const account: ServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "worker" } };
  await api.create(at, account);
  const issue = (spec: TokenRequest["spec"]): Promise<TokenRequest> =>
    api.createSubresource({ ...at, subresource: "token" }, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { name: "worker" },
      spec,
    } as TokenRequest);
  const { status } = await issue({ audiences: null, expirationSeconds: 600 });
  const headers = { authorization: `Bearer ${status?.token}` };
  const whoami = async () =>
    server.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { user: null, headers, body: {} });
  const answer = await whoami();
  assert.equal(answer.status, 201);
  const { userInfo } = answer.body["status"] as { userInfo: { username: string; groups: string[] } };
  assert.equal(userInfo.username, "system:serviceaccount:default:worker");
  assert.ok(userInfo.groups.includes("system:serviceaccounts:default"));
  // The signature's first character: the last one has bits that mean nothing.
  const forged = status?.token.replace(
    /\.([^.])([^.]*)$/,
    (_all, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`,
  );
  const tampered = { authorization: `Bearer ${forged}` };
  assert.equal((await server.call("GET", "/api", { user: null, headers: tampered })).status, 401);
  await assert.rejects(issue({ audiences: null, expirationSeconds: 60 }), (error) => isApiError(error, "Invalid"));
  const elsewhere = await issue({ audiences: ["vault"], expirationSeconds: 600 });
  const foreign = { authorization: `Bearer ${elsewhere.status?.token}` };
  assert.equal((await server.call("GET", "/api", { user: null, headers: foreign })).status, 401);
  const podAt = { resource: pods, namespace: "default", name: "p" };
  const pod = await api.create<Pod>(podAt, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { serviceAccountName: "worker", containers: [{ name: "c", image: "i" }] },
  });
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p", uid: pod.metadata.uid ?? "" };
  const ofPod = await issue({ audiences: null, expirationSeconds: 600, boundObjectRef });
  const podHeaders = { authorization: `Bearer ${ofPod.status?.token}` };
  assert.equal((await server.call("GET", "/api", { user: null, headers: podHeaders })).status, 200);
  await api.delete(podAt);
  assert.equal((await server.call("GET", "/api", { user: null, headers: podHeaders })).status, 401);
  await api.delete(at);
  assert.equal((await whoami()).status, 401);
});

test("an access review that does not say what it asks is refused in Kubernetes' words", async () => {
  await using server = await startTestApiServer();
  const ask = (kind: string, spec: object) =>
    server.call("POST", `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`, {
      body: { apiVersion: "authorization.k8s.io/v1", kind, spec },
    });
  const own = await ask("SelfSubjectAccessReview", {});
  assert.equal(own.status, 422);
  assert.equal(
    own.body["message"],
    'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: ' +
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
  );
  const path = { path: "/metrics", verb: "get" };
  const both = await ask("SelfSubjectAccessReview", {
    resourceAttributes: { verb: "get" },
    nonResourceAttributes: path,
  });
  assert.equal(both.status, 422);
  assert.equal((await ask("SelfSubjectAccessReview", { nonResourceAttributes: path })).status, 201);
  const nobody = await ask("SubjectAccessReview", { nonResourceAttributes: path });
  assert.match(String(nobody.body["message"]), /spec\.user: Invalid value: "": at least one of user or group/);
  assert.equal((await ask("SubjectAccessReview", { groups: ["a"], nonResourceAttributes: path })).status, 201);
});
