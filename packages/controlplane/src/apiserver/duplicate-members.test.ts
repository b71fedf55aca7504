import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { startTestApiServer } from "../testing/test-api-server.ts";
import { duplicateMembers } from "./duplicate-members.ts";

const found = (text: string): string[] => duplicateMembers(text, JSON.parse(text));

test("members that are there twice are found where they are, others never", () => {
  assert.deepEqual(found('{"a":1,"b":{"a":2,"a":3},"c":[{"a":1},{"x":"a\\"a","x":[]}],"a":"}"}'), [
    "b.a",
    "c[1].x",
    "a",
  ]);
  assert.deepEqual(found('{"a":1,"\\u0061":2}'), ["a"]);
  fc.assert(
    fc.property(fc.json(), fc.nat(3), (json, space) => {
      assert.deepEqual(found(JSON.stringify(JSON.parse(json), null, space)), []);
    }),
  );
});

test("a body with a member twice is refused when it is to be strict, and told when not", async () => {
  await using server = await startTestApiServer();
  const url = "/api/v1/namespaces/default/configmaps";
  const body = new TextEncoder().encode('{"metadata":{"name":"a","name":"b"},"foo":1}');
  const strict = await server.call("POST", `${url}?fieldValidation=Strict`, { body });
  assert.equal(strict.status, 400);
  assert.equal(
    strict.body["message"],
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name", unknown field "foo"',
  );
  const warned = await server.send("POST", url, { body });
  assert.equal(warned.status, 201);
  assert.equal(
    warned.headers?.["warning"],
    '299 - "duplicate field \\"metadata.name\\"", 299 - "unknown field \\"foo\\""',
  );
  const silent = await server.send("PUT", `${url}/b?fieldValidation=Ignore`, { body });
  assert.equal(silent.status, 200);
  assert.equal(silent.headers?.["warning"], undefined);
});
