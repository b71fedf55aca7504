import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer } from "../testing/test-api-server.ts";

const POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
const INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
const BACKEND = { name: "shop", port: { number: 80 } };
const ADMISSION_POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";

test("whoever writes what nothing acts on is warned, who reads or deletes it is not", async () => {
  await using server = await startTestApiServer();
  const warningOf = async (method: string, url: string, body?: object): Promise<string | undefined> => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await server.send(method, url, body === undefined ? {} : { body, contentType: type });
    assert.ok(answer.status < 300, String(answer.body));
    return answer.headers?.["warning"];
  };
  const policy = { metadata: { name: "deny" }, spec: { podSelector: {} } };
  const told = '299 - "a NetworkPolicy is only kept: nothing that is built in enforces it"';
  assert.equal(await warningOf("POST", POLICIES, policy), told);
  assert.equal(await warningOf("PATCH", `${POLICIES}/deny`, { metadata: { labels: { a: "b" } } }), told);
  assert.equal(await warningOf("GET", `${POLICIES}/deny`), undefined);
  await warningOf("POST", INGRESSES, { metadata: { name: "shop" }, spec: { defaultBackend: { service: BACKEND } } });
  const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
  assert.equal(await warningOf("PATCH", `${INGRESSES}/shop/status`, status), undefined);
  assert.equal(await warningOf("GET", POLICIES), undefined);
  assert.equal(await warningOf("DELETE", `${POLICIES}/deny`), undefined);
  assert.match((await warningOf("POST", ADMISSION_POLICIES, { metadata: { name: "x" } })) ?? "", /nobody asks it/);
});
