import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";

interface Claim {
  readonly metadata: { readonly finalizers?: string[] };
  readonly spec: { readonly storageClassName?: string };
}

async function makeClaim(server: TestApiServer, name: string, spec: object = {}): Promise<Claim> {
  const asked = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec };
  const { body } = await server.call("POST", CLAIMS, { body: { metadata: { name }, spec: asked } });
  return body as unknown as Claim;
}

test("a claim gets the default storage class unless it names one or none", async () => {
  await using server = await startTestApiServer();
  assert.equal((await makeClaim(server, "before")).spec.storageClassName, undefined);
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  const body = { metadata: { name: "local-path", annotations }, provisioner: "example.org/local" };
  await server.call("POST", "/apis/storage.k8s.io/v1/storageclasses", { body });
  const claim = await makeClaim(server, "a");
  assert.equal(claim.spec.storageClassName, "local-path");
  assert.deepEqual(claim.metadata.finalizers, ["kubernetes.io/pvc-protection"]);
  assert.equal((await makeClaim(server, "b", { storageClassName: "" })).spec.storageClassName, "");
  assert.equal((await makeClaim(server, "c", { storageClassName: "other" })).spec.storageClassName, "other");
});

test("what a claim asks for cannot be changed, but its volume and its size can come", async () => {
  await using server = await startTestApiServer();
  await makeClaim(server, "a");
  const patch = async (spec: object): Promise<number> => {
    const options = { body: { spec }, contentType: "application/merge-patch+json" };
    return (await server.call("PATCH", `${CLAIMS}/a`, options)).status;
  };
  assert.equal(await patch({ accessModes: ["ReadOnlyMany"] }), 422);
  assert.equal(await patch({ volumeName: "disk" }), 200);
  assert.equal(await patch({ volumeName: "other" }), 422);
  assert.equal(await patch({ resources: { requests: { storage: "2Gi" } } }), 200);
});
