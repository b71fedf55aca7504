import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ApiException, AppsV1Api, CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { configMaps, type KubernetesObject } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { decodePem, keyedCertificatePem } from "@skerry/pki";
import { readPrivateKeyPem, systemPki } from "@skerry/pki/platform";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

const DAY_MS = 24 * 3600 * 1000;

function start(dataFolder: string, port = 0): Promise<ControlPlane> {
  return startControlPlane({
    dataFolder,
    address: "127.0.0.1",
    port,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    controllers: false,
  });
}

function configOf(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request with Node's own client, so that the test decides what it shows. */
async function call(
  controlPlane: ControlPlane,
  path: string,
  options: { headers?: Record<string, string>; cert?: string; key?: string; method?: string; body?: Buffer } = {},
): Promise<Answer> {
  const outgoing = request({
    host: "127.0.0.1",
    port: controlPlane.port,
    path,
    method: options.method ?? "GET",
    ca: controlPlane.caCertificatePem,
    headers: options.headers ?? {},
    agent: false,
    ...(options.cert && options.key ? { cert: options.cert, key: options.key } : {}),
  });
  outgoing.on("error", () => undefined);
  outgoing.end(options.body);
  const [response] = await once(outgoing, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

test("a stock client creates, watches, patches and deletes over HTTPS", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    await using controlPlane = await start(folder);
    const config = configOf(controlPlane.kubeconfig);
    const core = config.makeApiClient(CoreV1Api);
    const seen: string[] = [];
    const watching = await new Watch(config).watch(
      "/api/v1/namespaces/default/configmaps",
      {},
      (type, object: { metadata: { name: string } }) => seen.push(`${type} ${object.metadata.name}`),
      () => undefined,
    );
    await core.createNamespacedConfigMap({
      namespace: "default",
      body: { metadata: { generateName: "settings-" }, data: { a: "1" } },
    });
    const { items } = await core.listNamespacedConfigMap({ namespace: "default" });
    const name = items[0]?.metadata?.name ?? "";
    assert.match(name, /^settings-[a-z0-9]{5}$/);
    await core.replaceNamespacedConfigMap({
      namespace: "default",
      name,
      body: { metadata: { name }, data: { a: "2" } },
    });
    await core.deleteNamespacedConfigMap({ namespace: "default", name });
    await assert.rejects(
      core.readNamespacedConfigMap({ namespace: "default", name }),
      (error) => error instanceof ApiException && error.code === 404,
    );
    const apps = config.makeApiClient(AppsV1Api);
    await assert.rejects(
      apps.createNamespacedDeployment({
        namespace: "default",
        body: { metadata: { name: "x" }, spec: { selector: {}, template: {} } },
      }),
      (error) => error instanceof ApiException && error.code === 422,
    );
    while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
    watching.abort();
    assert.deepEqual(seen, [`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("objects, revisions, keys and certificates survive a restart, and keys are readable only by their owner", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    let revision = 0;
    let kubeconfig = "";
    {
      await using controlPlane = await start(folder);
      const made = await controlPlane.api.create<KubernetesObject>(
        { resource: configMaps, namespace: "default" },
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" } },
      );
      revision = Number(made.metadata.resourceVersion);
      kubeconfig = controlPlane.kubeconfig.replace(/server: .*/, "");
    }
    for (const file of readdirSync(join(folder, "pki")).filter((name) => name.endsWith(".key")))
      assert.equal(statSync(join(folder, "pki", file)).mode & 0o777, 0o600, file);
    await using again = await start(folder);
    const kept = await again.api.get({ resource: configMaps, namespace: "default", name: "kept" });
    assert.equal(Number(kept.metadata.resourceVersion), revision);
    assert.equal(again.kubeconfig.replace(/server: .*/, ""), kubeconfig);
    const { metadata } = await again.api.list({ resource: configMaps });
    assert.ok(Number(metadata.resourceVersion) >= revision);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nobody, a foreign certificate, an expired one and a wrong token are refused with 401", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    await using controlPlane = await start(folder);
    assert.deepEqual(await call(controlPlane, "/readyz"), { status: 200, text: "ok" });
    assert.equal((await call(controlPlane, "/version")).status, 200);
    assert.equal((await call(controlPlane, "/api/v1/secrets")).status, 401);
    assert.equal(
      (await call(controlPlane, "/api/v1/secrets", { headers: { authorization: "Bearer x.y.z" } })).status,
      401,
    );
    const nowMs = systemClock.now();
    const validity = { notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + DAY_MS };
    const foreign = await systemPki.createCertificateAuthority({ commonName: "kubernetes", validity });
    const admin = {
      commonName: "kubernetes-admin",
      organizations: ["system:masters"],
      usages: ["clientAuth"] as const,
    };
    const forged = keyedCertificatePem(await systemPki.issueCertificate(foreign, { ...admin, validity }));
    const shown = { cert: forged.certificatePem, key: forged.privateKeyPem };
    assert.equal((await call(controlPlane, "/api/v1/secrets", shown)).status, 401);
    const authority = {
      certificateDer: decodePem(readFileSync(join(folder, "pki", "ca.crt"), "utf8"), "CERTIFICATE"),
      privateKeyDer: readPrivateKeyPem(readFileSync(join(folder, "pki", "ca.key"), "utf8")),
    };
    const past = { notBeforeMs: nowMs - 2 * DAY_MS, notAfterMs: nowMs - DAY_MS };
    const expired = keyedCertificatePem(await systemPki.issueCertificate(authority, { ...admin, validity: past }));
    const late = { cert: expired.certificatePem, key: expired.privateKeyPem };
    assert.equal((await call(controlPlane, "/api/v1/secrets", late)).status, 401);
    const config = configOf(controlPlane.kubeconfig);
    const user = config.getCurrentUser();
    const own = {
      cert: Buffer.from(user?.certData ?? "", "base64").toString(),
      key: Buffer.from(user?.keyData ?? "", "base64").toString(),
    };
    assert.equal((await call(controlPlane, "/api/v1/secrets", own)).status, 200);
    assert.equal(systemPki.readCertificate(decodePem(own.cert, "CERTIFICATE")).commonName, "kubernetes-admin");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a body over the limit gets 413, and the port that is taken a coded error", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  const other = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    await using controlPlane = await start(folder);
    const user = configOf(controlPlane.kubeconfig).getCurrentUser();
    const { status } = await call(controlPlane, "/api/v1/namespaces/default/configmaps", {
      method: "POST",
      body: Buffer.alloc(3 * 1024 * 1024 + 1, 32),
      headers: { "content-type": "application/json" },
      cert: Buffer.from(user?.certData ?? "", "base64").toString(),
      key: Buffer.from(user?.keyData ?? "", "base64").toString(),
    });
    assert.equal(status, 413);
    await assert.rejects(start(other, controlPlane.port), (error) => isSkerryError(error, "CONTROLPLANE_PORT_IN_USE"));
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(other, { recursive: true });
  }
});

test("a damaged authority gets a coded error and is left as it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    await (await start(folder))[Symbol.asyncDispose]();
    const file = join(folder, "pki", "ca.key");
    writeFileSync(file, "torn");
    await assert.rejects(start(folder), (error) => isSkerryError(error, "CONTROLPLANE_AUTHORITY_DAMAGED"));
    assert.equal(readFileSync(file, "utf8"), "torn");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a data folder that is a file gets a coded error", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-controlplane-"));
  try {
    const file = join(folder, "data");
    writeFileSync(file, "");
    await assert.rejects(start(file), (error) => isSkerryError(error, "CONTROLPLANE_DATA_FOLDER_UNUSABLE"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
