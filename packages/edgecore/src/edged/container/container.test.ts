import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, KubernetesObject, Pod } from "@skerry/api";
import { isSkerryError, type JsonObject, toBase64 } from "@skerry/base";
import fc from "fast-check";
import { environmentOf, type ObjectLookup } from "./environment.ts";
import { expandReferences } from "./expansion.ts";
import { fieldValue, type PodFacts, resourceValue } from "./field-references.ts";
import { defaultPullPolicy, isImageReference, registryOf } from "./image-reference.ts";
import { pullCredentials } from "./pull-credentials.ts";
import { linuxResources, qualityOfService } from "./resources.ts";
import { securitySettings } from "./security-context.ts";

const container: Container = {
  name: "app",
  image: "app:1",
  resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "250m" } },
};
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop", uid: "u1", labels: { b: "2", a: "1" }, annotations: { "x/y": "z" } },
  spec: { containers: [container] },
};
const facts: PodFacts = {
  pod,
  nodeName: "edge-1",
  hostIps: ["192.0.2.10", "2001:db8::10"],
  podIps: ["10.0.0.5", "fd00::5"],
  allocatable: { cpuMilli: 2000, memoryBytes: 1024 ** 3, storageBytes: 8 * 1024 ** 3, hugePageBytes: {} },
};
const host = {
  architecture: "x64",
  operatingSystem: "linux",
  osImage: "",
  kernelVersion: "",
  machineId: "",
  systemUuid: "",
  bootId: "",
  cpuCount: 2,
  memoryBytes: 1024 ** 3,
  cgroups: { cpu: true, memory: true, hugePages: true },
  hugePageBytes: {},
};

function objects(found: Record<string, unknown>): ObjectLookup {
  return async <T extends KubernetesObject>(type: string, name: string) => found[`${type}/${name}`] as T | undefined;
}

test("references in commands and variables are expanded as Kubernetes does", () => {
  const variables = new Map([
    ["A", "1"],
    ["B", "$(A)"],
  ]);
  const expected: Record<string, string> = {
    "$(A)": "1",
    "x$(A)y$(B)": "x1y$(A)",
    "$$(A)": "$(A)",
    "$(NONE)": "$(NONE)",
    "$(A": "$(A",
    $A: "$A",
    "100$": "100$",
    "$$$(A)": "$1",
  };
  for (const [text, value] of Object.entries(expected)) assert.equal(expandReferences(text, variables), value, text);
});

test("a text without a dollar sign is never changed by expansion", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll("$", "");
      assert.equal(expandReferences(plain, new Map([["A", "1"]])), plain);
    }),
  );
});

test("variables come from values, fields, ConfigMaps and Secrets, a later one wins", async () => {
  const lookup = objects({
    "configmap/settings": { data: { LEVEL: "3", COLOR: "red" } },
    "secret/keys": { data: { TOKEN: toBase64(new TextEncoder().encode("s3cret")) } },
  });
  const variables = await environmentOf(
    {
      ...container,
      envFrom: [
        { configMapRef: { name: "settings" }, prefix: "CFG_" },
        { secretRef: { name: "gone", optional: true } },
      ],
      env: [
        { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "HELLO", value: "hello $(NAME)" },
        { name: "CFG_COLOR", value: "blue" },
        { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "TOKEN" } } },
        { name: "NONE", valueFrom: { configMapKeyRef: { name: "settings", key: "NO", optional: true } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
      ],
    },
    facts,
    lookup,
  );
  assert.deepEqual(Object.fromEntries(variables), {
    CFG_LEVEL: "3",
    CFG_COLOR: "blue",
    NAME: "web",
    HELLO: "hello web",
    TOKEN: "s3cret",
    CPU: "500",
  });
});

test("a missing ConfigMap or key is an error that names it", async () => {
  const env = [{ name: "X", valueFrom: { configMapKeyRef: { name: "settings", key: "NO" } } }];
  const missingKey = environmentOf({ ...container, env }, facts, objects({ "configmap/settings": { data: {} } }));
  await assert.rejects(missingKey, /couldn't find key NO in ConfigMap shop\/settings/);
  await assert.rejects(
    environmentOf({ ...container, env }, facts, objects({})),
    (error) => isSkerryError(error, "EDGED_REFERENCE_MISSING") && /configmap "settings" not found/.test(error.message),
  );
});

test("fields and resources have the values the downward API gives", () => {
  assert.equal(fieldValue(facts, "metadata.labels"), 'a="1"\nb="2"');
  assert.equal(fieldValue(facts, "metadata.labels['b']"), "2");
  assert.equal(fieldValue(facts, "metadata.annotations['x/y']"), "z");
  assert.equal(fieldValue(facts, "status.podIPs"), "10.0.0.5,fd00::5");
  assert.equal(fieldValue(facts, "status.hostIPs"), "192.0.2.10,2001:db8::10");
  assert.throws(
    () => fieldValue(facts, "spec.secret"),
    (error) => isSkerryError(error, "EDGED_INVALID_POD"),
  );
  assert.equal(resourceValue(facts, container, "limits.memory", "1Mi"), "64");
  assert.equal(resourceValue(facts, container, "requests.cpu", "1m"), "250");
  assert.equal(resourceValue(facts, { name: "none" }, "limits.cpu", undefined), "2");
  assert.equal(resourceValue(facts, { name: "none" }, "limits.ephemeral-storage", "1Gi"), "8");
  assert.equal(resourceValue(facts, { name: "none" }, "requests.ephemeral-storage", "1Gi"), "0");
});

test("limits become control group values, and are left out where the machine has no groups for them", () => {
  assert.deepEqual(linuxResources(pod, container, host), {
    cpuPeriodUs: 100_000,
    cpuQuotaUs: 50_000,
    cpuShares: 256,
    memoryLimitBytes: 64 * 1024 ** 2,
    oomScoreAdjustment: 938,
    hugePages: [],
  });
  const bare = { ...host, cgroups: { cpu: false, memory: false, hugePages: false } };
  const { cpuQuotaUs, cpuShares, memoryLimitBytes } = linuxResources(pod, container, bare);
  assert.deepEqual([cpuQuotaUs, cpuShares, memoryLimitBytes], [0, 0, 0]);
});

test("the quality-of-service class follows requests and limits", () => {
  const withResources = (resources: Container["resources"]): Pod => ({
    ...pod,
    spec: { containers: [{ name: "app", ...(resources ? { resources } : {}) }] },
  });
  assert.equal(qualityOfService(withResources(undefined)), "BestEffort");
  assert.equal(qualityOfService(withResources({ requests: { cpu: "1" } })), "Burstable");
  assert.equal(qualityOfService(withResources({ limits: { cpu: "1", memory: "1Gi" } })), "Guaranteed");
});

test("runAsNonRoot refuses root and a user that is only a name", () => {
  const image = { id: "i", repoTags: [], sizeBytes: 1 };
  const strict = { ...container, securityContext: { runAsNonRoot: true } };
  assert.throws(() => securitySettings(pod, strict, { ...image, userId: 0 }, "/seccomp"), /would run as root/);
  assert.throws(() => securitySettings(pod, strict, { ...image, userName: "app" }, "/seccomp"), /cannot be told/);
  assert.equal(securitySettings(pod, strict, { ...image, userId: 1000 }, "/seccomp").user.userId, undefined);
  const numbered = { ...container, securityContext: { runAsNonRoot: true, runAsUser: 5 } };
  assert.equal(securitySettings(pod, numbered, image, "/seccomp").user.userId, 5);
});

test("a seccomp profile that the node gives is for containers that name none and are not privileged", () => {
  const image = { id: "i", repoTags: [], sizeBytes: 1 };
  const given = (securityContext?: JsonObject): string =>
    securitySettings(pod, { ...container, ...(securityContext ? { securityContext } : {}) }, image, "/seccomp", {
      kind: "runtime-default",
    }).seccomp.kind;
  assert.equal(given(), "runtime-default");
  assert.equal(given({ privileged: true }), "unconfined");
  assert.equal(given({ seccompProfile: { type: "Unconfined" } }), "unconfined");
  assert.equal(securitySettings(pod, container, image, "/seccomp").seccomp.kind, "unconfined");
});

test("profiles and labels come from the container, else from the pod; a seccomp profile stays in its folder", () => {
  const image = { id: "i", repoTags: [], sizeBytes: 1 };
  const local = { type: "Localhost", localhostProfile: "strict.json" };
  const ofPod = { seccompProfile: local, appArmorProfile: local, seLinuxOptions: { level: "s0:c1,c2" } };
  const guarded = { ...pod, spec: { ...pod.spec, securityContext: ofPod } };
  const settings = securitySettings(guarded, container, image, "/edged/seccomp");
  assert.deepEqual(settings.seccomp, { kind: "localhost", reference: "/edged/seccomp/strict.json" });
  assert.deepEqual(settings.appArmor, { kind: "localhost", reference: "strict.json" });
  assert.deepEqual(settings.seLinux, { user: "", role: "", type: "", level: "s0:c1,c2" });
  const own = { ...container, securityContext: { seccompProfile: { type: "RuntimeDefault" }, procMount: "Unmasked" } };
  const owned = securitySettings(guarded, own, image, "/edged/seccomp");
  assert.deepEqual([owned.seccomp, owned.unmaskedProc], [{ kind: "runtime-default" }, true]);
  for (const localhostProfile of ["../shadow", "/etc/shadow", ""])
    assert.throws(
      () =>
        securitySettings(
          pod,
          { ...container, securityContext: { seccompProfile: { type: "Localhost", localhostProfile } } },
          image,
          "/edged/seccomp",
        ),
      (error) => isSkerryError(error, "EDGED_PATH_ESCAPES"),
    );
});

test("huge pages become limits of their control group; the pod's own limits are those of its only container", () => {
  const { limits = {} } = container.resources ?? {};
  const paged = { ...container, resources: { limits: { ...limits, "hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi" } } };
  assert.deepEqual(linuxResources(pod, paged, host).hugePages, [
    { pageSize: "2MB", limitBytes: 4 * 1024 ** 2 },
    { pageSize: "1GB", limitBytes: 1024 ** 3 },
  ]);
  const bare: Container = { name: "app", image: "app:1" };
  const whole = { ...pod, spec: { containers: [bare], resources: { limits: { cpu: "250m", memory: "8Mi" } } } };
  const { cpuQuotaUs, memoryLimitBytes } = linuxResources(whole, bare, host);
  assert.deepEqual([cpuQuotaUs, memoryLimitBytes], [25_000, 8 * 1024 ** 2]);
  assert.equal(qualityOfService(whole), "Guaranteed");
});

test("images are told apart: registry, default policy, what is no reference", () => {
  assert.deepEqual(registryOf("busybox"), { host: "registry-1.docker.io", port: 443 });
  assert.deepEqual(registryOf("localhost:5000/a/b:1"), { host: "localhost", port: 5000 });
  assert.deepEqual(registryOf("ghcr.io/a/b"), { host: "ghcr.io", port: 443 });
  assert.equal(defaultPullPolicy("app"), "Always");
  assert.equal(defaultPullPolicy("localhost:5000/app"), "Always");
  assert.equal(defaultPullPolicy("app:latest"), "Always");
  assert.equal(defaultPullPolicy("app:1"), "IfNotPresent");
  for (const wrong of ["", "a b", "-x", "x;rm"]) assert.equal(isImageReference(wrong), false, wrong);
  assert.equal(isImageReference("registry.example:5000/team/app:v1.2_3"), true);
});

test("pull secrets give the credentials of the image's registry only", async () => {
  const auths = { "https://ghcr.io": { auth: toBase64(new TextEncoder().encode("me:pass:word")) } };
  const config = toBase64(new TextEncoder().encode(JSON.stringify({ auths })));
  const lookup = objects({ "secret/pull": { data: { ".dockerconfigjson": config } } });
  const withSecret = { ...pod, spec: { ...pod.spec, imagePullSecrets: [{ name: "pull" }] } };
  assert.deepEqual(await pullCredentials(withSecret, "ghcr.io/a/b:1", lookup), {
    username: "me",
    password: "pass:word",
  });
  assert.equal(await pullCredentials(withSecret, "busybox", lookup), undefined);
});
