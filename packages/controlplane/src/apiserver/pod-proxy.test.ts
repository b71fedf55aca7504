import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";
import type { PodConnector, PodHttpAnswer, PodHttpRequest } from "./pod-proxy.ts";

/** Pods that answer everything alike, and what they were asked. */
class Apps implements PodConnector {
  readonly asked: PodHttpRequest[] = [];
  headers: Readonly<Record<string, string>> = { "content-type": "text/html" };

  async requestPod(request: PodHttpRequest): Promise<PodHttpAnswer> {
    this.asked.push(request);
    const body = (async function* () {
      yield new TextEncoder().encode("hello");
    })();
    return { status: 418, headers: this.headers, body };
  }

  /** Where the last request went. */
  get last(): readonly [pod: string, port: number, target: string] {
    const { pod = "", port = 0, target = "" } = this.asked.at(-1) ?? {};
    return [pod, port, target];
  }
}

const PODS = "/api/v1/namespaces/default/pods";
const SERVICES = "/api/v1/namespaces/default/services";

/** A cluster with the pod `web`, which names port 8080, `bare`, which names none, and `waiting` on no node. */
async function cluster(apps?: Apps): Promise<TestApiServer> {
  const server = await startTestApiServer(apps ? { kubelet: apps } : {});
  const pod = (name: string, spec: object): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { nodeName: "edge-1", containers: [{ name: "app", image: "x" }], ...spec },
  });
  const ports = [{ containerPort: 8080 }, { containerPort: 9090 }];
  for (const body of [
    pod("web", { containers: [{ name: "app", image: "x", ports }] }),
    pod("bare", {}),
    pod("waiting", { nodeName: undefined }),
  ])
    assert.equal((await server.call("POST", PODS, { body })).status, 201);
  return server;
}

test("a pod is asked on the port of the path, else on the first that it names, else on its scheme's", async () => {
  const apps = new Apps();
  await using server = await cluster(apps);
  const cases: [string, readonly [string, number, string], boolean][] = [
    ["web:7000/proxy/a%20b/c/?q=1", ["web", 7000, "/a%20b/c/?q=1"], false],
    ["web/proxy//double", ["web", 8080, "//double"], false],
    ["bare/proxy/", ["bare", 80, "/"], false],
    ["https:bare:/proxy/x?watch=true", ["bare", 443, "/x?watch=true"], true],
    ["http:web:81/proxy/proxy/proxy", ["web", 81, "/proxy/proxy"], false],
  ];
  for (const [path, expected, isTls] of cases) {
    const { status, body } = await server.send("GET", `${PODS}/${path}`);
    assert.equal(status, 418, path);
    assert.ok(typeof body !== "string");
    assert.deepEqual(apps.last, expected);
    assert.equal(apps.asked.at(-1)?.isTls, isTls);
  }
});

test("method, body and headers go on, but nothing that proves who asks", async () => {
  const apps = new Apps();
  await using server = await cluster(apps);
  const headers = {
    accept: "text/html",
    authorization: "Basic secret",
    cookie: "a=b",
    "impersonate-user": "kubernetes-admin",
    "impersonate-group": "system:masters",
    "x-remote-user": "x",
    connection: "keep-alive",
    host: "api:6443",
  };
  const { status } = await server.send("PUT", `${PODS}/web/proxy/x`, { body: { a: 1 }, headers });
  assert.equal(status, 418);
  const [asked] = apps.asked;
  assert.equal(asked?.method, "PUT");
  assert.equal(new TextDecoder().decode(asked?.body), '{"a":1}');
  assert.deepEqual(asked?.headers, {
    "content-type": "application/json",
    accept: "text/html",
    "x-forwarded-host": "api:6443",
    "x-forwarded-proto": "https",
    "x-forwarded-uri": `${PODS}/web/proxy/x`,
  });
});

test("an app's redirections stay below the proxy, its cookies do not become the API server's", async () => {
  const apps = new Apps();
  await using server = await cluster(apps);
  apps.headers = { location: "/login?next=1", "set-cookie": "a=b", "content-length": "5", connection: "close" };
  const { headers } = await server.send("GET", `${PODS}/web/proxy/start/here`);
  assert.deepEqual(headers, { location: `${PODS}/web/proxy/login?next=1`, "content-length": "5" });
  for (const elsewhere of ["https://example.org/", "//example.org/", "next"]) {
    apps.headers = { location: elsewhere };
    assert.equal((await server.send("GET", `${PODS}/web/proxy/start`)).headers["location"], elsewhere);
  }
  const bare = await server.send("GET", `${PODS}/web:8080/proxy?q=1`);
  assert.equal(bare.status, 301);
  assert.equal(bare.headers["location"], `${PODS}/web:8080/proxy/?q=1`);
});

test("a service leads to a ready pod behind it, by the port's name or number, and says when there is none", async () => {
  const apps = new Apps();
  await using server = await cluster(apps);
  const create = async (path: string, body: object): Promise<void> =>
    assert.equal((await server.call("POST", path, { body })).status, 201);
  const service = (name: string): object => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      ports: [
        { name: "web", port: 80, targetPort: 8080 },
        { name: "admin", port: 81, targetPort: 9090 },
      ],
    },
  });
  for (const name of ["shop", "empty"]) await create(SERVICES, service(name));
  const targetRef = { kind: "Pod", name: "web", namespace: "default" };
  await create("/api/v1/namespaces/default/endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "shop" },
    subsets: [
      {
        addresses: [{ ip: "10.0.0.9" }, { ip: "10.0.0.1", targetRef }],
        ports: [
          { name: "web", port: 8080 },
          { name: "admin", port: 9090 },
        ],
      },
    ],
  });
  await create("/api/v1/namespaces/default/endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "empty" },
    subsets: [{ notReadyAddresses: [{ ip: "10.0.0.1", targetRef }], ports: [{ name: "web", port: 8080 }] }],
  });
  for (const [name, port] of [
    ["shop", 8080],
    ["shop:admin", 9090],
    ["http:shop:81", 9090],
  ] as const) {
    await server.send("GET", `${SERVICES}/${name}/proxy/x`);
    assert.deepEqual(apps.last, ["web", port, "/x"]);
  }
  for (const [name, message] of [
    ["shop:82", /no service port "82" found for service "shop"/],
    ["empty", /no endpoints available for service "empty"/],
  ] as const) {
    const { status, body } = await server.call("GET", `${SERVICES}/${name}/proxy/x`);
    assert.equal(status, 503);
    assert.match(String(body["message"]), message);
  }
});

test("what cannot be led to a pod is refused, and the right is that of the subresource proxy", async () => {
  const apps = new Apps();
  await using server = await cluster(apps);
  for (const [path, status] of [
    [`${PODS}/nosuch/proxy/`, 404],
    [`${SERVICES}/nosuch/proxy/`, 404],
    [`${PODS}/waiting/proxy/`, 400],
    [`${PODS}/web:0/proxy/`, 400],
    [`${PODS}/web:http/proxy/`, 400],
    [`${PODS}/ftp:web:21/proxy/`, 400],
    [`${PODS}/a:b:c:d/proxy/`, 400],
    ["/api/v1/pods/web/proxy/", 404],
    ["/api/v1/namespaces/default/configmaps/web/proxy/", 404],
  ] as const)
    assert.equal((await server.call("GET", path)).status, status, path);
  const user = { username: "eve", groups: ["system:authenticated"] };
  const { status, body } = await server.call("POST", `${PODS}/web:8080/proxy/x`, { user });
  assert.equal(status, 403);
  assert.match(String(body["message"]), /cannot create resource "pods\/proxy"/);
  assert.deepEqual(apps.asked, []);

  await using alone = await cluster();
  const told = await alone.call("GET", `${PODS}/web/proxy/`);
  assert.equal(told.status, 501);
  assert.match(String(told.body["message"]), /pods\/proxy here: .*--kubelet-endpoint/);
});
