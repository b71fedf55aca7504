// What clients do wrong, each with the code and reason that Kubernetes answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestRequest } from "../testing/test-api-server.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const map = (name: string, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...more,
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const merge = "application/merge-patch+json";
const bob = { username: "bob", groups: ["system:authenticated"] };

const WRONG: readonly [string, string, string, TestRequest, number, string][] = [
  ["an unknown group", "GET", "/apis/nothing.example/v1/things", {}, 404, "NotFound"],
  ["an unknown version", "GET", "/apis/apps/v9/deployments", {}, 404, "NotFound"],
  ["an unknown kind", "GET", "/api/v1/things", {}, 404, "NotFound"],
  ["an object that is not there", "GET", `${MAPS}/none`, {}, 404, "NotFound"],
  ["a deletion of what is not there", "DELETE", `${MAPS}/none`, {}, 404, "NotFound"],
  ["a patch of what is not there", "PATCH", `${MAPS}/none`, { body: {}, contentType: merge }, 404, "NotFound"],
  ["a subresource that is not there", "GET", `${MAPS}/there/scale`, {}, 404, "NotFound"],
  [
    "an object in a namespace that is not there",
    "POST",
    "/api/v1/namespaces/none/configmaps",
    { body: map("a") },
    404,
    "NotFound",
  ],
  ["an object that is there already", "POST", MAPS, { body: map("there") }, 409, "AlreadyExists"],
  [
    "an update of an old version",
    "PUT",
    `${MAPS}/there`,
    { body: { ...map("there"), metadata: { name: "there", resourceVersion: "1" } } },
    409,
    "Conflict",
  ],
  [
    "a deletion with another object's UID",
    "DELETE",
    `${MAPS}/there`,
    { body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: "other" } } },
    409,
    "Conflict",
  ],
  ["a body that is no JSON", "POST", MAPS, { body: bytes("{") }, 400, "BadRequest"],
  ["a body that is a list", "POST", MAPS, { body: [] }, 400, "BadRequest"],
  ["a body of another kind", "POST", MAPS, { body: { ...map("a"), kind: "Secret" } }, 400, "BadRequest"],
  [
    "a body of another namespace",
    "POST",
    MAPS,
    { body: { ...map("a"), metadata: { name: "a", namespace: "kube-system" } } },
    400,
    "BadRequest",
  ],
  ["another name than the path's", "PUT", `${MAPS}/there`, { body: map("other") }, 400, "BadRequest"],
  ["a member of a wrong type", "POST", MAPS, { body: map("a", { data: 5 }) }, 400, "BadRequest"],
  [
    "an unknown member where that is refused",
    "POST",
    `${MAPS}?fieldValidation=Strict`,
    { body: map("a", { nothing: 1 }) },
    400,
    "BadRequest",
  ],
  ["a label selector that is none", "GET", `${MAPS}?labelSelector=a%20in%20(`, {}, 400, "BadRequest"],
  ["a field selector of an unknown field", "GET", `${MAPS}?fieldSelector=data.a%3Db`, {}, 400, "BadRequest"],
  ["a limit that is no number", "GET", `${MAPS}?limit=x`, {}, 400, "BadRequest"],
  ["a continuation that is none", "GET", `${MAPS}?limit=1&continue=x`, {}, 400, "BadRequest"],
  ["a name that is none", "POST", MAPS, { body: map("No Name") }, 422, "Invalid"],
  ["no name at all", "POST", MAPS, { body: { ...map(""), metadata: {} } }, 422, "Invalid"],
  [
    "a label that is none",
    "POST",
    MAPS,
    { body: { ...map("a"), metadata: { name: "a", labels: { "a b": "c" } } } },
    422,
    "Invalid",
  ],
  [
    "a JSON patch whose test does not hold",
    "PATCH",
    `${MAPS}/there`,
    { body: [{ op: "test", path: "/data", value: 1 }], contentType: "application/json-patch+json" },
    422,
    "Invalid",
  ],
  [
    "a body of an unknown type",
    "POST",
    MAPS,
    { body: map("a"), contentType: "text/plain" },
    415,
    "UnsupportedMediaType",
  ],
  [
    "a patch of an unknown type",
    "PATCH",
    `${MAPS}/there`,
    { body: {}, contentType: "application/json" },
    415,
    "UnsupportedMediaType",
  ],
  ["an answer of an unknown type", "GET", MAPS, { headers: { accept: "text/html" } }, 406, "NotAcceptable"],
  ["a method that a path has not", "POST", `${MAPS}/there`, { body: map("there") }, 405, "MethodNotAllowed"],
  ["what the user may not", "GET", MAPS, { user: bob }, 403, "Forbidden"],
];

test("what clients do wrong has the code and the reason that Kubernetes answers", async (t) => {
  await using server = await startTestApiServer();
  assert.equal((await server.call("POST", MAPS, { body: map("there") })).status, 201);
  for (const [name, method, url, request, code, reason] of WRONG)
    await t.test(name, async () => {
      const { status, body } = await server.call(method, url, request);
      assert.deepEqual(
        [status, body["kind"], body["code"], body["reason"]],
        [code, "Status", code, reason],
        JSON.stringify(body),
      );
    });
});
