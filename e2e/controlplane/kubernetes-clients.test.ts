// Clients as users have them against one `skerry controlplane`: kubectl of Debian 12 (1.20), 1.32 and 1.36, and the client
// library for Node.js. Each walks through what it does every day.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Lease,
  Watch,
} from "@kubernetes/client-node";
import { ControlPlaneProcess } from "../support/control-plane-process.ts";
import { Kubectl } from "../support/kubectl.ts";
import { pinnedKubectl } from "../support/pinned-kubectl.ts";
import { waitUntil } from "../support/wait-until.ts";

const VERSIONS = ["1.20.2", "1.32.3", "1.36.4"] as const;

/** Its pods have no node and are never ready: old ones make room for new ones only because all may be unavailable. */
const deployment = (replicas: number, image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: "100%"}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "${image}", ports: [{containerPort: 80}]}]}
`;
const WIDGETS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.clients.example}
spec:
  group: clients.example
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wd]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
`;

test("kubectl 1.20, 1.32 and 1.36 and the Node.js client do their daily work", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-clients-"));
  try {
    await using controlPlane = await ControlPlaneProcess.start(folder);
    const { kubeconfig } = controlPlane;
    const crd = new Kubectl(await pinnedKubectl("1.36.4"), kubeconfig, "WebSocket");
    assert.equal((await crd.runWith(WIDGETS, "apply", "-f", "-")).status, 0);
    for (const version of VERSIONS)
      await context.test(`kubectl ${version}`, async () => {
        const kubectl = new Kubectl(await pinnedKubectl(version), kubeconfig, "WebSocket");
        await walk(kubectl, `by-${version.replaceAll(".", "-")}`, folder);
      });
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    await context.test("the Node.js client's informer, watch and patches", () => followConfigMaps(config));
    await context.test("leader election with the Node.js client's Leases", () => electLeader(config));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What people do with kubectl, in a namespace of its own. */
async function walk(kubectl: Kubectl, namespace: string, folder: string): Promise<void> {
  await kubectl.ok("create", "namespace", namespace);
  const ok = (...words: readonly string[]): Promise<string> => kubectl.ok("-n", namespace, ...words);
  const fed = async (input: string, ...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await kubectl.runWith(input, "-n", namespace, ...words);
    assert.equal(status, 0, `${words.join(" ")}: ${stderr}`);
    return stdout;
  };
  assert.match(await ok("version"), /Server Version/);
  assert.match(await ok("api-resources"), /deployments +deploy +apps\/v1 +true +Deployment/);
  assert.match(await ok("explain", "deployment.spec.replicas"), /replicas/);

  assert.match(await fed(deployment(2, "web:1"), "apply", "-f", "-"), /deployment.apps\/web created/);
  assert.match(await fed(deployment(2, "web:1"), "apply", "-f", "-"), /deployment.apps\/web unchanged/);
  assert.match(
    await fed(deployment(3, "web:2"), "apply", "--dry-run=server", "-f", "-"),
    /configured \(server dry run\)/,
  );
  assert.match(await fed(deployment(3, "web:2"), "apply", "-f", "-"), /deployment.apps\/web configured/);
  const file = join(folder, `${namespace}.yaml`);
  writeFileSync(file, deployment(4, "web:2"));
  const diff = await kubectl.run("-n", namespace, "diff", "-f", file);
  assert.equal(diff.status, 1, diff.stderr);
  assert.match(diff.stdout, /^\+ +replicas: 4$/m);
  const wrong = await kubectl.runWith(
    deployment(1, "web:1").replace("replicas:", "replica:"),
    "-n",
    namespace,
    "apply",
    "-f",
    "-",
  );
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /unknown field "(spec\.)?replica"/);

  await ok("scale", "deployment", "web", "--replicas=1");
  await ok("set", "image", "deployment/web", "app=web:3");
  await ok("label", "deployment", "web", "tier=front");
  await ok("annotate", "deployment", "web", "note=x");
  await ok(
    "patch",
    "deployment",
    "web",
    "-p",
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","tty":true}]}}}}',
  );
  await ok("patch", "deployment", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":2}]');
  await ok("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":null}}}');
  const shown =
    "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].tty} {.metadata.labels}";
  assert.equal(await ok("get", "deployment", "web", "-o", shown), '2 web:3 true {"app":"web"}');
  await waitUntil("two pods are there", async () =>
    /^2$/.test(await ok("get", "deployment", "web", "-o", "jsonpath={.status.updatedReplicas}")),
  );
  assert.match(await ok("rollout", "history", "deployment/web"), /REVISION/);
  await ok("rollout", "undo", "deployment/web");
  assert.match(await ok("get", "all", "-o", "wide"), /deployment.apps\/web/);
  assert.match(await ok("describe", "deployment", "web"), /Replicas: +2 desired/);

  await ok("create", "configmap", "settings", "--from-literal=a=1");
  await ok("create", "secret", "generic", "keys", "--from-literal=password=x");
  await ok("expose", "deployment", "web", "--port=80");
  assert.match(await ok("get", "configmap,secret,service"), /service\/web +ClusterIP/);
  const applied = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: "1"}\n';
  assert.match(await fed(applied, "apply", "--server-side", "-f", "-"), /serverside-applied|server-side applied/);
  const widget = "apiVersion: clients.example/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 7}\n";
  assert.match(await fed(widget, "apply", "-f", "-"), /widget.clients.example\/w created/);
  assert.match(await ok("get", "wd"), /w +7/);
  assert.match(await ok("auth", "can-i", "create", "pods"), /^yes/);
  const missing = await kubectl.run("-n", namespace, "get", "pod", "nosuch");
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /Error from server \(NotFound\): pods "nosuch" not found/);
  await ok("delete", "deployment,configmap,secret,service,widget", "--all");
  await ok("delete", "namespace", namespace, "--wait=false");
}

async function followConfigMaps(config: KubeConfig): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  const path = "/api/v1/namespaces/default/configmaps";
  const seen: string[] = [];
  const informer = makeInformer<V1ConfigMap>(
    config,
    path,
    () => core.listNamespacedConfigMap({ namespace: "default", labelSelector: "informed=yes" }),
    "informed=yes",
  );
  for (const verb of ["add", "update", "delete"] as const)
    informer.on(verb, (object) => seen.push(`${verb} ${object.metadata?.name} ${object.data?.["a"]}`));
  await informer.start();
  const watched: string[] = [];
  const watch = await new Watch(config).watch(
    path,
    { labelSelector: "informed=yes", allowWatchBookmarks: true },
    (type, object: V1ConfigMap) => watched.push(`${type} ${object.metadata?.name} ${object.data?.["a"]}`),
    () => {},
  );
  const at = { namespace: "default", name: "informed" };
  await core.createNamespacedConfigMap({
    namespace: "default",
    body: { metadata: { name: "informed", labels: { informed: "yes" } }, data: { a: "0" } },
  });
  const patches: readonly (readonly [strategy: string, body: object])[] = [
    [PatchStrategy.MergePatch, { data: { a: "1" } }],
    [PatchStrategy.StrategicMergePatch, { data: { a: "2" } }],
    [PatchStrategy.JsonPatch, [{ op: "replace", path: "/data/a", value: "3" }]],
  ];
  for (const [strategy, body] of patches)
    await core.patchNamespacedConfigMap({ ...at, body }, setHeaderOptions("Content-Type", strategy));
  const apply = { apiVersion: "v1", kind: "ConfigMap", metadata: at, data: { a: "4" } };
  await core.patchNamespacedConfigMap(
    { ...at, body: apply, fieldManager: "clients-test", force: true },
    setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply),
  );
  await core.deleteNamespacedConfigMap(at);
  const changes = ["1", "2", "3", "4"];
  await waitUntil("the informer and the watch have seen all", async () => seen.length >= 6 && watched.length >= 6);
  await informer.stop();
  watch.abort();
  assert.deepEqual(seen, [
    "add informed 0",
    ...changes.map((value) => `update informed ${value}`),
    "delete informed 4",
  ]);
  assert.deepEqual(watched, [
    "ADDED informed 0",
    ...changes.map((value) => `MODIFIED informed ${value}`),
    "DELETED informed 4",
  ]);
}

/** Candidates take a Lease by conditional updates, as client libraries elect leaders: one of all wins each round. */
async function electLeader(config: KubeConfig): Promise<void> {
  const leases = config.makeApiClient(CoordinationV1Api);
  const at = { namespace: "default", name: "leader" };
  const held = (holder: string, lease?: V1Lease): V1Lease => ({
    metadata: {
      name: at.name,
      ...(lease?.metadata?.resourceVersion ? { resourceVersion: lease.metadata.resourceVersion } : {}),
    },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: 15,
      leaseTransitions: (lease?.spec?.leaseTransitions ?? -1) + 1,
    },
  });
  const candidates = ["a", "b", "c", "d"];
  const winners = async (take: (candidate: string) => Promise<V1Lease>): Promise<string[]> => {
    const results = await Promise.allSettled(candidates.map(take));
    for (const result of results)
      if (result.status === "rejected") assert.ok(result.reason instanceof ApiException && result.reason.code === 409);
    return candidates.filter((_, index) => results[index]?.status === "fulfilled");
  };
  let leaders = await winners((candidate) =>
    leases.createNamespacedLease({ namespace: at.namespace, body: held(candidate) }),
  );
  for (let round = 0; round < 5; round++) {
    const lease = await leases.readNamespacedLease(at);
    assert.deepEqual([leaders, lease.spec?.leaseTransitions], [[lease.spec?.holderIdentity], round]);
    leaders = await winners((candidate) => leases.replaceNamespacedLease({ ...at, body: held(candidate, lease) }));
  }
}
