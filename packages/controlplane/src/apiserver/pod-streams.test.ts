import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { isApiError } from "@skerry/kube";
import type { ApiRequest } from "./api-request.ts";
import { type KubeletConnector, type KubeletTarget, PodStreams } from "./pod-streams.ts";

function podOf(containers: readonly string[], extra: object = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop" },
    spec: { nodeName: "edge-1", containers: containers.map((name) => ({ name, image: "x" })), ...extra },
  } as unknown as Pod;
}

function requestOf(query: string, method = "GET"): ApiRequest {
  return {
    method,
    path: "/",
    query: new URLSearchParams(query),
    headers: {},
    body: new Uint8Array(),
    signal: new AbortController().signal,
  };
}

/** Answers everything alike and remembers what it was asked. */
class ScriptedKubelet implements Pick<KubeletConnector, "get"> {
  readonly targets: KubeletTarget[] = [];
  readonly #status: number;
  readonly #text: string;

  constructor(status: number, text: string) {
    this.#status = status;
    this.#text = text;
  }

  async get(target: KubeletTarget): Promise<{ status: number; body: AsyncIterable<Uint8Array> }> {
    this.targets.push(target);
    const text = this.#text;
    return {
      status: this.#status,
      body: (async function* () {
        yield new TextEncoder().encode(text);
      })(),
    };
  }
}

test("a request for logs becomes the kubelet's, with nothing else of the query", async () => {
  const kubelet = new ScriptedKubelet(200, "hello");
  const streams = new PodStreams(kubelet);
  const query = "follow=true&previous=false&tailLines=5&sinceSeconds=60&limitBytes=9&timestamps=true&evil=1";
  const answer = await streams.answer(requestOf(query), () => podOf(["app"]), "log");
  assert.equal(answer.status, 200);
  assert.deepEqual(kubelet.targets, [
    {
      method: "GET",
      path: "/containerLogs/shop/web/app",
      query: "follow=true&timestamps=true&sinceSeconds=60&tailLines=5&limitBytes=9",
    },
  ]);
});

test("a refusal of the node becomes a Status with its text", async () => {
  const refusal = new ScriptedKubelet(503, 'node "edge-1" is offline since 2026-01-02T03:04:05Z\n');
  await assert.rejects(
    new PodStreams(refusal).answer(requestOf(""), () => podOf(["app"]), "log"),
    (error) => isApiError(error, "ServiceUnavailable") && /offline since 2026-01-02T03:04:05Z$/.test(error.message),
  );
});

test("of several containers one must be named, and it must be one of the pod's", async () => {
  const streams = new PodStreams(new ScriptedKubelet(200, ""));
  const pod = podOf(["app", "helper"], { initContainers: [{ name: "setup", image: "x" }] });
  const refused = (query: string): Promise<void> =>
    assert.rejects(
      streams.answer(requestOf(query), () => pod, "log"),
      (error) => isApiError(error, "BadRequest"),
    );
  await refused("");
  await refused("container=nosuch");
  for (const name of ["app", "helper", "setup"])
    assert.equal((await streams.answer(requestOf(`container=${name}`), () => pod, "log")).status, 200);
  await assert.rejects(
    streams.answer(requestOf(""), () => podOf(["app"], { nodeName: undefined }), "log"),
    /does not have a host assigned/,
  );
});

test("what was asked of exec becomes the kubelet's query", () => {
  const streams = new PodStreams(new ScriptedKubelet(200, ""));
  const asked = "command=sh&command=-c&command=a+b&stdin=true&stdout=true&stderr=false&tty=true&container=app";
  const target = streams.upgradeTarget(requestOf(asked, "POST"), () => podOf(["app", "b"]), "exec");
  assert.deepEqual(target, {
    method: "POST",
    path: "/exec/shop/web/app",
    query: "command=sh&command=-c&command=a+b&input=1&output=1&tty=1",
  });
  const forward = streams.upgradeTarget(requestOf("ports=80", "POST"), () => podOf(["app", "b"]), "portforward");
  assert.deepEqual(forward, { method: "POST", path: "/portForward/shop/web", query: "" });
  assert.throws(() => streams.upgradeTarget(requestOf("stdout=true"), () => podOf(["app"]), "exec"), /1 command/);
  assert.throws(() => streams.upgradeTarget(requestOf(""), () => podOf(["app"]), "attach"), /stdin, stdout, stderr/);
});
