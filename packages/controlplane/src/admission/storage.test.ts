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

/** What a merge patch of the claim `a` is refused with; nothing when it is not. */
async function refusalOf(server: TestApiServer, body: object, part = ""): Promise<string> {
  const options = { body, contentType: "application/merge-patch+json" };
  const { status, body: answer } = await server.call("PATCH", `${CLAIMS}/a${part}`, options);
  return status === 200 ? "" : String(answer["message"]).replace(/^.*(is invalid|is forbidden): /, "");
}

const sized = (storage: string): object => ({ spec: { resources: { requests: { storage } } } });

test("what a claim asks for cannot be changed, but its volume can come", async () => {
  await using server = await startTestApiServer();
  await makeClaim(server, "a");
  const immutable =
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
  assert.equal(await refusalOf(server, { spec: { accessModes: ["ReadOnlyMany"] } }), immutable);
  assert.equal(await refusalOf(server, sized("2Gi")), immutable);
  assert.equal(await refusalOf(server, { spec: { volumeName: "disk" } }), "");
  assert.equal(await refusalOf(server, { spec: { volumeName: "other" } }), immutable);
});

test("a bound claim of a class that lets volumes grow may ask for more, and for less down to what it has", async () => {
  await using server = await startTestApiServer();
  const body = { metadata: { name: "stiff" }, provisioner: "example.org/local" };
  await server.call("POST", "/apis/storage.k8s.io/v1/storageclasses", { body });
  await makeClaim(server, "a", { storageClassName: "stiff" });
  const bound = { status: { phase: "Bound", capacity: { storage: "1Gi" } } };
  assert.equal(await refusalOf(server, bound, "/status"), "");
  assert.equal(
    await refusalOf(server, sized("2Gi")),
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
  );
  const options = { body: { allowVolumeExpansion: true }, contentType: "application/merge-patch+json" };
  await server.call("PATCH", "/apis/storage.k8s.io/v1/storageclasses/stiff", options);
  assert.equal(await refusalOf(server, sized("3Gi")), "");
  assert.equal(await refusalOf(server, sized("2Gi")), "");
  const tooLittle = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
  assert.equal(await refusalOf(server, sized("1Gi")), tooLittle);
  assert.equal(await refusalOf(server, sized("512Mi")), tooLittle);
});
