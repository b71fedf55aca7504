import assert from "node:assert/strict";
import { test } from "node:test";
import { toBase64 } from "@skerry/base";
import { secretTypeErrors } from "./secret-types.ts";

const encoded = (text: string): string => toBase64(new TextEncoder().encode(text));
const errorsOf = (type: string, data: Record<string, string> = {}): string[] =>
  secretTypeErrors({
    type,
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, encoded(text)])),
  }).map(({ field, message }) => `${field}: ${message}`);

test("a Secret of a type that Kubernetes knows needs what the type is for", () => {
  assert.deepEqual(errorsOf("kubernetes.io/tls", { "tls.crt": "c" }), ["data[tls.key]: Required value"]);
  assert.deepEqual(errorsOf("kubernetes.io/tls", { "tls.crt": "", "tls.key": "" }), []);
  assert.deepEqual(errorsOf("kubernetes.io/basic-auth"), [
    "data[username]: Required value",
    "data[password]: Required value",
  ]);
  assert.deepEqual(errorsOf("kubernetes.io/basic-auth", { password: "p" }), []);
  assert.deepEqual(errorsOf("kubernetes.io/ssh-auth", { "ssh-privatekey": "" }), [
    "data[ssh-privatekey]: Required value",
  ]);
  assert.deepEqual(errorsOf("kubernetes.io/dockerconfigjson"), ["data[.dockerconfigjson]: Required value"]);
  assert.deepEqual(errorsOf("kubernetes.io/dockerconfigjson", { ".dockerconfigjson": '{"auths":{}}' }), []);
  assert.deepEqual(errorsOf("kubernetes.io/service-account-token"), [
    "metadata.annotations[kubernetes.io/service-account.name]: Required value",
  ]);
  assert.deepEqual(errorsOf("example.com/own"), []);
});

test("what is wrong with a registry's password does not show it", () => {
  const [error = ""] = errorsOf("kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "hunter2" });
  assert.match(error, /^data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>"/);
  assert.ok(!error.includes("hunter2"));
});
