import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceAccounts, type TokenRequest } from "@skerry/api";
import { CERTIFICATE_REQUEST } from "../testing/fixtures.ts";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

async function tokenFor(server: TestApiServer, audiences: string[]): Promise<string> {
  const target = { resource: serviceAccounts, namespace: "default", name: "default", subresource: "token" };
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { name: "" },
    spec: { audiences },
  };
  return (await server.api.createSubresource<TokenRequest>(target, body)).status?.token ?? "";
}

test("a token review names only audiences that the token is for", async () => {
  await using server = await startTestApiServer();
  const token = await tokenFor(server, ["vault"]);
  const review = async (audiences: string[]): Promise<unknown> => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences } };
    const answer = await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body });
    const { authenticated, audiences: named } = answer.body["status"] as Record<string, unknown>;
    return [authenticated ?? false, named];
  };
  assert.deepEqual(await review(["vault", "payments"]), [true, ["vault"]]);
  assert.deepEqual(await review(["payments"]), [false, undefined]);
  assert.deepEqual(await review([]), [false, undefined]);
});

test("a token for another audience, without a signature or with another algorithm lets nobody in", async () => {
  await using server = await startTestApiServer();
  const good = await tokenFor(server, []);
  const [header = "", claims = "", signature = ""] = good.split(".");
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const admin = encoded({ ...JSON.parse(Buffer.from(claims, "base64url").toString()), sub: "system:admin" });
  const tried = async (token: string): Promise<number> =>
    (await server.send("GET", "/api", { user: null, headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await tried(good), 200);
  for (const token of [
    await tokenFor(server, ["vault"]),
    `${encoded({ alg: "none" })}.${claims}.`,
    `${encoded({ alg: "none" })}.${claims}.${signature}`,
    `${encoded({ alg: "HS256" })}.${claims}.${signature}`,
    `${header}.${admin}.${signature}`,
    `${header}.${claims}.`,
    `${header}.${claims}`,
    `${good}.x`,
  ])
    assert.equal(await tried(token), 401, token);
});

test("a group to act as without a user is refused, instead of acting with all rights", async () => {
  await using server = await startTestApiServer();
  for (const header of ["impersonate-group", "impersonate-uid", "impersonate-extra-scope"]) {
    const answer = await server.call("GET", "/api/v1/secrets", { headers: { [header]: "viewers" } });
    assert.equal(answer.status, 400, header);
  }
});

test("a mirror pod that refers to a Secret or a service account is refused", async () => {
  await using server = await startTestApiServer();
  const metadata = { name: "static", annotations: { "kubernetes.io/config.mirror": "hash" } };
  const container = { name: "c", image: "i" };
  const create = async (spec: object): Promise<number> =>
    (
      await server.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", {
        body: {
          apiVersion: "v1",
          kind: "Pod",
          metadata,
          spec: { nodeName: "edge-1", containers: [container], ...spec },
        },
      })
    ).status;
  assert.equal(await create({}), 201);
  for (const spec of [
    { serviceAccountName: "default" },
    { imagePullSecrets: [{ name: "s" }] },
    { volumes: [{ name: "v", secret: { secretName: "s" } }] },
    { volumes: [{ name: "v", projected: { sources: [{ secret: { name: "s" } }] } }] },
    { volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }] },
    { containers: [{ ...container, envFrom: [{ secretRef: { name: "s" } }] }] },
    {
      initContainers: [
        { ...container, name: "i", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] },
      ],
    },
  ])
    assert.equal(await create(spec), 403, JSON.stringify(spec));
});

test("nobody grants by a role or a binding what they do not have", async () => {
  await using server = await startTestApiServer();
  const user = { username: "jane", groups: ["system:authenticated"] };
  const RBAC = "/apis/rbac.authorization.k8s.io/v1";
  const roles = `${RBAC}/namespaces/default/roles`;
  const bindings = `${RBAC}/namespaces/default/rolebindings`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const role = (name: string, rules: object[]): object => ({ apiVersion, kind: "Role", metadata: { name }, rules });
  const binding = (name: string, kind: string, roleName: string): object => ({
    apiVersion,
    kind: "RoleBinding",
    metadata: { name },
    roleRef: { kind, name: roleName },
    subjects: [{ kind: "User", name: "jane" }],
  });
  const manage = {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["roles", "rolebindings"],
    verbs: ["create", "get", "patch"],
  };
  const readPods = { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] };
  await server.call("POST", roles, { body: role("manager", [manage, readPods]) });
  await server.call("POST", bindings, { body: binding("manager", "Role", "manager") });
  const tried = async (url: string, body: object): Promise<number> =>
    (await server.call("POST", url, { user, body })).status;

  assert.equal(await tried(roles, role("reader", [{ ...readPods, verbs: ["get"] }])), 201);
  assert.equal(await tried(bindings, binding("reader", "Role", "reader")), 201);
  for (const rule of [
    { ...readPods, verbs: ["delete"] },
    { ...readPods, verbs: ["*"] },
    { ...readPods, resources: ["*"] },
    { ...readPods, resources: ["pods/exec"] },
    { ...readPods, apiGroups: ["*"] },
    { ...readPods, resources: ["secrets"], resourceNames: ["one"] },
  ])
    assert.equal(await tried(roles, role("more", [readPods, rule])), 403, JSON.stringify(rule));
  assert.equal(await tried(bindings, binding("admin", "ClusterRole", "cluster-admin")), 403);
  const patch = await server.call("PATCH", `${roles}/reader`, {
    user,
    body: { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] },
    contentType: "application/merge-patch+json",
  });
  assert.equal(patch.status, 403);
});

test("who may only patch makes nothing by applying what is not there", async () => {
  await using server = await startTestApiServer();
  await grant(server, "patcher", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["patch", "get"] }]);
  const apply = async (name: string): Promise<[number, unknown]> => {
    const { status, body } = await server.call(
      "PATCH",
      `/api/v1/namespaces/default/configmaps/${name}?fieldManager=jane`,
      {
        user: JANE,
        contentType: "application/apply-patch+yaml",
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "1" } },
      },
    );
    return [status, body["message"]];
  };
  assert.deepEqual(await apply("settings"), [
    403,
    'configmaps "settings" is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace "default"',
  ]);
  const settings = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" } };
  await server.call("POST", "/api/v1/namespaces/default/configmaps", { body: settings });
  assert.deepEqual(await apply("settings"), [200, undefined]);
  await grant(server, "creator", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }]);
  assert.deepEqual(await apply("more"), [201, undefined]);
});

/** Lets jane do what the rules say, in all namespaces. */
async function grant(server: TestApiServer, name: string, rules: object[]): Promise<void> {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const url = `/apis/${apiVersion}`;
  const role = { apiVersion, kind: "ClusterRole", metadata: { name }, rules };
  assert.equal((await server.call("POST", `${url}/clusterroles`, { body: role })).status, 201);
  const binding = {
    ...{ apiVersion, kind: "ClusterRoleBinding", metadata: { name } },
    roleRef: { kind: "ClusterRole", name },
    subjects: [{ kind: "User", name: "jane" }],
  };
  assert.equal((await server.call("POST", `${url}/clusterrolebindings`, { body: binding })).status, 201);
}

const JANE = { username: "jane", groups: ["system:authenticated"] };
const MERGE = "application/merge-patch+json";

test("a label by which a role's rules become those of another gives away no more than its writer has", async () => {
  await using server = await startTestApiServer();
  const ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  const manage = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], verbs: ["patch", "get"] };
  await grant(server, "manager", [manage]);
  const patched = async (name: string, metadata: object): Promise<number> =>
    (await server.call("PATCH", `${ROLES}/${name}`, { user: JANE, contentType: MERGE, body: { metadata } })).status;
  const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
  assert.equal(await patched("cluster-admin", { labels }), 403);
  assert.equal(await patched("system:aggregate-to-edit", { labels }), 403);
  // What she has herself; and what the garbage collector does.
  assert.equal(await patched("manager", { labels }), 200);
  assert.equal(await patched("cluster-admin", { finalizers: ["example.com/kept"] }), 200);
  assert.equal(await patched("cluster-admin", {}), 200);
});

test("who may write bindings but holds less binds no role that is yet to be made", async () => {
  await using server = await startTestApiServer();
  const RBAC = "/apis/rbac.authorization.k8s.io/v1";
  const manage = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["rolebindings"], verbs: ["create"] };
  await grant(server, "binder", [manage]);
  const bind = async (name: string, kind: string, user?: typeof JANE): Promise<[number, unknown]> => {
    const { status, body } = await server.call("POST", `${RBAC}/namespaces/default/rolebindings`, {
      ...(user ? { user } : {}),
      body: {
        ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name } },
        roleRef: { kind, name: "later" },
        subjects: [{ kind: "User", name: "jane" }],
      },
    });
    return [status, body["message"]];
  };
  assert.deepEqual(await bind("a", "Role", JANE), [404, 'roles.rbac.authorization.k8s.io "later" not found']);
  assert.deepEqual(await bind("a", "ClusterRole", JANE), [
    404,
    'clusterroles.rbac.authorization.k8s.io "later" not found',
  ]);
  assert.equal((await bind("a", "Role"))[0], 201);
  await grant(server, "binder-of-later", [
    { ...manage, resources: ["roles"], resourceNames: ["later"], verbs: ["bind"] },
  ]);
  assert.equal((await bind("b", "Role", JANE))[0], 201);
});

test("who may write certificate requests approves or signs only for signers that they are let do it for", async () => {
  await using server = await startTestApiServer();
  const CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const group = { apiGroups: ["certificates.k8s.io"] };
  await grant(server, "writer", [
    {
      ...group,
      resources: ["approval", "status"].map((part) => `certificatesigningrequests/${part}`),
      verbs: ["patch"],
    },
  ]);
  for (const [name, signerName] of [
    ["client", "kubernetes.io/kube-apiserver-client"],
    ["own", "example.com/own"],
  ]) {
    const made = await server.call("POST", CSRS, {
      body: {
        ...{ apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { name } },
        spec: { signerName, usages: ["client auth"], request: CERTIFICATE_REQUEST },
      },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  }
  const approved = { type: "Approved", status: "True", reason: "r", message: "m" };
  const failed = { ...approved, type: "Failed" };
  const statusOf = async (name: string): Promise<unknown> =>
    (await server.call("GET", `${CSRS}/${name}`)).body["status"];
  const write = async (part: string, status: object): Promise<unknown> => {
    const request = { user: JANE, contentType: MERGE, body: { status } };
    const answer = await server.call("PATCH", `${CSRS}/${part}`, request);
    return answer.status === 200 ? "" : answer.body["message"];
  };
  assert.match(
    String(await write("client/approval", { conditions: [approved] })),
    /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"$/,
  );
  assert.match(String(await write("client/status", { certificate: "eA==" })), /user not permitted to sign requests/);
  assert.match(String(await write("client/status", { conditions: [failed] })), /user not permitted to sign requests/);

  await grant(server, "approver", [
    { ...group, resources: ["signers"], resourceNames: ["example.com/*"], verbs: ["approve"] },
  ]);
  assert.match(String(await write("client/approval", { conditions: [approved] })), /user not permitted to approve/);
  assert.equal(await write("own/approval", { certificate: "eA==", conditions: [approved] }), "");
  assert.deepEqual(await statusOf("own"), { conditions: [approved] });

  const client = "kubernetes.io/kube-apiserver-client";
  await grant(server, "signer", [{ ...group, resources: ["signers"], resourceNames: [client], verbs: ["sign"] }]);
  assert.equal(await write("client/status", { certificate: "eA==", conditions: [approved, failed] }), "");
  assert.deepEqual(await statusOf("client"), { certificate: "eA==", conditions: [failed] });
  // Nor is a decision taken back so.
  assert.match(String(await write("own/status", { conditions: [failed] })), /user not permitted to sign/);
  await server.call("PATCH", `${CSRS}/own/status`, { contentType: MERGE, body: { status: { conditions: [failed] } } });
  assert.deepEqual(await statusOf("own"), { conditions: [approved, failed] });
});

test("an answer to an attempt to grant too much names what is missing", async () => {
  await using server = await startTestApiServer();
  const RBAC = "/apis/rbac.authorization.k8s.io/v1";
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const user = { username: "jane", groups: ["dev"] };
  const rule = (resources: string[], verbs: string[]): object => ({ apiGroups: [""], resources, verbs });
  const manage = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], verbs: ["create", "update"] };
  const role = (name: string, content: object): object => ({
    apiVersion,
    kind: "ClusterRole",
    metadata: { name },
    ...content,
  });
  await server.call("POST", `${RBAC}/clusterroles`, { body: role("m", { rules: [manage, rule(["pods"], ["get"])] }) });
  await server.call("POST", `${RBAC}/clusterrolebindings`, {
    body: {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name: "m" },
      roleRef: { kind: "ClusterRole", name: "m" },
      subjects: [{ kind: "User", name: "jane" }],
    },
  });
  const tried = async (content: object): Promise<unknown> => {
    const { status, body } = await server.call("POST", `${RBAC}/clusterroles`, { user, body: role("more", content) });
    assert.equal(status, 403);
    return body["message"];
  };
  assert.equal(
    await tried({ rules: [rule(["secrets", "pods"], ["get", "delete"])] }),
    'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
  );
  // Whatever it selects, now or later, would be granted.
  assert.equal(
    await tried({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "1" } }] } }),
    'clusterroles.rbac.authorization.k8s.io "more" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  );
  const { body: view } = await server.call("GET", `${RBAC}/clusterroles/view`);
  const { aggregationRule: _taken, ...plain } = view;
  const untied = await server.call("PUT", `${RBAC}/clusterroles/view`, { user, body: plain });
  assert.equal(untied.status, 403);
});
