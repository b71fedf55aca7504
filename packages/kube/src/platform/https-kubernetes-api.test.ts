import "reflect-metadata";
import assert from "node:assert/strict";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import * as x509 from "@peculiar/x509";
import { deployments, type KubernetesObject, pods } from "@skerry/api";
import { isSkerryError } from "@skerry/base";
import { isApiError } from "../api-error.ts";
import { HttpsKubernetesApi } from "./https-kubernetes-api.ts";
import { kubeConnectionFromText } from "./kube-connection.ts";

interface Seen {
  method: string;
  url: string;
  contentType: string | undefined;
  authorization: string | undefined;
  body: string;
}

async function serve(
  answer: (seen: Seen, response: http.ServerResponse) => void,
): Promise<AsyncDisposable & { url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: request.url ?? "",
        contentType: request.headers["content-type"],
        authorization: request.headers.authorization,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const apiOf = (url: string, limits: { timeoutMs?: number; maximumAnswerBytes?: number } = {}): HttpsKubernetesApi =>
  new HttpsKubernetesApi(
    { server: url, insecureSkipTlsVerify: false, namespace: "default", authorization: async () => "Bearer t" },
    limits,
  );
const pod: KubernetesObject = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };
const target = { resource: pods, namespace: "default", name: "a" };

test("each call is the request that the Kubernetes API expects", async () => {
  await using server = await serve((_seen, response) => response.end(JSON.stringify(pod)));
  using api = apiOf(server.url);
  await api.get(target);
  await api.create({ resource: deployments, namespace: "x" }, pod, { fieldManager: "m", dryRun: true });
  await api.createSubresource({ ...target, subresource: "binding" }, pod);
  await api.update({ ...target, subresource: "status" }, pod);
  await api.patch(target, { type: "strategic", body: { a: 1 } });
  await api.patch(target, { type: "merge", body: {} });
  await api.patch(target, { type: "json", body: [] });
  await api.patch(target, { type: "apply", body: {}, fieldManager: "me", force: true });
  await api.delete(target, { gracePeriodSeconds: 0, preconditions: { uid: "u" } });
  const path = "/api/v1/namespaces/default/pods/a";
  assert.deepEqual(
    server.seen.map(({ method, url, contentType }) => `${method} ${url} ${contentType ?? "-"}`),
    [
      `GET ${path} -`,
      "POST /apis/apps/v1/namespaces/x/deployments?fieldManager=m&dryRun=All application/json",
      `POST ${path}/binding application/json`,
      `PUT ${path}/status application/json`,
      `PATCH ${path} application/strategic-merge-patch+json`,
      `PATCH ${path} application/merge-patch+json`,
      `PATCH ${path} application/json-patch+json`,
      `PATCH ${path}?force=true&fieldManager=me application/apply-patch+yaml`,
      `DELETE ${path} application/json`,
    ],
  );
  assert.deepEqual(JSON.parse(server.seen[8]?.body ?? ""), {
    apiVersion: "v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
    preconditions: { uid: "u" },
  });
  assert.equal(server.seen[0]?.authorization, "Bearer t");
});

test("a name that would lead elsewhere in the path is refused before anything is sent", async () => {
  await using server = await serve((_seen, response) => response.end(JSON.stringify(pod)));
  using api = apiOf(server.url);
  for (const name of ["", ".", ".."]) {
    await assert.rejects(
      async () => api.get({ ...target, name }),
      (error) => isApiError(error, "BadRequest"),
    );
    await assert.rejects(
      async () => api.patch({ ...target, namespace: name }, { type: "merge", body: {} }),
      (error) => isApiError(error, "BadRequest"),
    );
  }
  await api.get({ ...target, name: "../../secrets/x?watch=1#" });
  assert.deepEqual(
    server.seen.map(({ url }) => url),
    ["/api/v1/namespaces/default/pods/..%2F..%2Fsecrets%2Fx%3Fwatch%3D1%23"],
  );
});

test("items of a list get their kind, selectors and limits are passed on", async () => {
  await using server = await serve((_seen, response) =>
    response.end(
      JSON.stringify({
        apiVersion: "v1",
        kind: "PodList",
        metadata: { resourceVersion: "7" },
        items: [{ metadata: { name: "a" } }],
      }),
    ),
  );
  using api = apiOf(server.url);
  const list = await api.list({ resource: pods }, { labelSelector: "a=b", limit: 5, continue: "c" });
  assert.equal(list.items[0]?.kind, "Pod");
  assert.equal(server.seen[0]?.url, "/api/v1/pods?labelSelector=a%3Db&continue=c&limit=5");
});

test("a failure answer is an ApiError with the server's Status, or one made from the HTTP status", async () => {
  await using server = await serve(({ url }, response) => {
    response.statusCode = url.includes("html") ? 503 : 409;
    const status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "no",
      reason: "Conflict",
      code: 409,
    };
    response.end(url.includes("html") ? "<html>" : JSON.stringify(status));
  });
  using api = apiOf(server.url);
  await assert.rejects(api.get(target), (error) => isApiError(error, "Conflict") && error.httpStatus === 409);
  await assert.rejects(api.get({ ...target, name: "html" }), (error) => isApiError(error, "ServiceUnavailable"));
});

test("a watch hands out events as they come and ends with the stream", async () => {
  await using server = await serve((_seen, response) => {
    response.write(`${JSON.stringify({ type: "ADDED", object: pod })}\n{"type":"MODI`);
    setImmediate(() => {
      response.write(`FIED","object":${JSON.stringify(pod)}}\n`);
      response.end('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n');
    });
  });
  using api = apiOf(server.url);
  const types: string[] = [];
  for await (const event of api.watch({ resource: pods }, { resourceVersion: "1", allowWatchBookmarks: true }))
    types.push(event.type);
  assert.deepEqual(types, ["ADDED", "MODIFIED", "BOOKMARK"]);
  assert.equal(server.seen[0]?.url, "/api/v1/pods?resourceVersion=1&watch=true&allowWatchBookmarks=true");
});

test("an ERROR in a watch is thrown as an ApiError", async () => {
  const status = { kind: "Status", status: "Failure", message: "too old", reason: "Expired", code: 410 };
  await using server = await serve((_seen, response) =>
    response.end(JSON.stringify({ type: "ERROR", object: status })),
  );
  using api = apiOf(server.url);
  const watch = api.watch({ resource: pods }, { resourceVersion: "1" })[Symbol.asyncIterator]();
  await assert.rejects(watch.next(), (error) => isApiError(error, "Expired"));
});

test("an aborted watch ends with the reason, its connection is closed", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serve((_seen, response) => {
    response.on("close", closed.resolve);
    response.write(`${JSON.stringify({ type: "ADDED", object: pod })}\n`);
  });
  using api = apiOf(server.url);
  const abort = new AbortController();
  await assert.rejects(async () => {
    for await (const _event of api.watch({ resource: pods }, { resourceVersion: "1", signal: abort.signal }))
      abort.abort(new Error("enough"));
  }, /enough/);
  await closed.promise;
});

test("a server that cannot be reached, stays silent or hangs up is KUBE_UNREACHABLE", async () => {
  await using silent = await serve(() => undefined);
  await using rude = await serve((_seen, response) => response.destroy());
  const nobody = await serve(() => undefined);
  await nobody[Symbol.asyncDispose]();
  for (const url of [silent.url, rude.url, nobody.url]) {
    using api = apiOf(url, { timeoutMs: 200 });
    await assert.rejects(api.get(target), (error) => isSkerryError(error, "KUBE_UNREACHABLE"), url);
  }
});

test("an answer beyond the limit is refused", async () => {
  await using server = await serve((_seen, response) => response.end("x".repeat(100_000)));
  using api = apiOf(server.url, { maximumAnswerBytes: 1_000 });
  await assert.rejects(api.get(target), (error) => isSkerryError(error, "KUBE_ANSWER_TOO_LARGE"));
});

test("an answer that is no JSON object is refused", async () => {
  await using server = await serve((_seen, response) => response.end("hello"));
  using api = apiOf(server.url);
  await assert.rejects(api.get(target), (error) => isSkerryError(error, "KUBE_MALFORMED_ANSWER"));
});

test("over TLS only the server that the kubeconfig's authority vouches for is talked to", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const certificate = async (): Promise<{ cert: string; key: string }> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const made = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=test",
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true),
        new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
      ],
    });
    const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
    return { cert: made.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
  };
  const own = await certificate();
  const other = await certificate();
  const server = https.createServer(own, (_request, response) => response.end(JSON.stringify(pod)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kubeconfig = (ca: string): string =>
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c" } }],
      clusters: [
        {
          name: "c",
          cluster: {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            "certificate-authority-data": Buffer.from(ca).toString("base64"),
          },
        },
      ],
    });
  using trusted = new HttpsKubernetesApi(await kubeConnectionFromText(kubeconfig(own.cert)));
  using stranger = new HttpsKubernetesApi(await kubeConnectionFromText(kubeconfig(other.cert)));
  assert.equal((await trusted.get(target)).kind, "Pod");
  await assert.rejects(stranger.get(target), (error) => isSkerryError(error, "KUBE_SERVER_NOT_TRUSTED"));
  server.closeAllConnections();
  server.close();
});
