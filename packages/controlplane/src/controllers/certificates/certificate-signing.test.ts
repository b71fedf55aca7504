import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateSigningRequests as resource } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { type CertificateRequestFacts, decodePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";
import { decideSigning } from "./certificate-signers.ts";
import { CertificateSigningController } from "./certificate-signing-controller.ts";

const CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const DAY_MS = 24 * 3600 * 1000;

const asked = (change: Partial<CertificateRequestFacts> = {}): CertificateRequestFacts => ({
  ...{ commonName: "jane", organizations: ["dev"], dnsNames: [], ipAddresses: [], publicKeyFingerprint: "" },
  ...change,
});

test("each signer signs what Kubernetes lets it sign, and refuses the rest with a reason", () => {
  const node = { commonName: "system:node:edge-1", organizations: ["system:nodes"] };
  const client = "kubernetes.io/kube-apiserver-client";
  const kubelet = "kubernetes.io/kube-apiserver-client-kubelet";
  const serving = "kubernetes.io/kubelet-serving";
  const cases: [string, string[], CertificateRequestFacts, string][] = [
    [client, ["client auth"], asked(), "sign"],
    [client, ["client auth", "digital signature", "key encipherment"], asked(), "sign"],
    [client, ["server auth"], asked(), "refuse"],
    [client, ["client auth", "server auth"], asked(), "refuse"],
    [client, ["client auth"], asked({ organizations: ["system:masters"] }), "refuse"],
    [client, ["client auth"], asked({ commonName: "" }), "refuse"],
    [kubelet, ["client auth"], asked(node), "sign"],
    [kubelet, ["client auth"], asked(), "refuse"],
    [kubelet, ["client auth"], asked({ ...node, dnsNames: ["x"] }), "refuse"],
    [serving, ["server auth"], asked({ ...node, ipAddresses: ["10.0.0.1"] }), "sign"],
    [serving, ["server auth"], asked(node), "refuse"],
    ["example.com/own", ["client auth"], asked(), "foreign"],
    ["toString", ["client auth"], asked(), "foreign"],
  ];
  for (const [signerName, usages, facts, type] of cases)
    assert.equal(decideSigning({ signerName, usages }, facts, 0).type, type, `${signerName} ${usages.join()}`);
});

test("an approved request is signed with its subject and no longer than it asks for", async () => {
  await using cluster = await startSigning();
  const certificate = await cluster.certificateOf("jane", { commonName: "jane", organizations: ["dev"] });
  assert.ok(certificate);
  const der = decodePem(Buffer.from(certificate, "base64").toString(), "CERTIFICATE");
  const nowMs = systemClock.now();
  const { authority } = cluster;
  const facts = systemPki.verifyCertificate(der, authority.certificateDer, { usage: "clientAuth", nowMs });
  assert.deepEqual([facts.commonName, facts.organizations, facts.usages], ["jane", ["dev"], ["clientAuth"]]);
  assert.ok(facts.notAfterMs > nowMs && facts.notAfterMs <= nowMs + 3600_000 + 1000);
});

test("a request that nobody has approved waits, and one that must not be signed fails with the reason", async () => {
  await using cluster = await startSigning();
  await cluster.request("waiting", { commonName: "jane", organizations: ["dev"] });
  await cluster.certificateOf("eve", { commonName: "eve", organizations: ["system:masters"] });
  const failed = await cluster.conditionOf("eve", "Failed");
  assert.match(String(failed?.["message"]), /system:masters is not given away/);
  // The one before it in time has been worked on by now.
  assert.equal((await cluster.statusOf("waiting"))?.["certificate"], undefined);
});

type Subject = Parameters<typeof systemPki.createCertificateRequest>[0];

interface SigningCluster extends AsyncDisposable {
  readonly authority: Awaited<ReturnType<typeof systemPki.createCertificateAuthority>>;
  statusOf(name: string): Promise<Record<string, unknown> | undefined>;
  conditionOf(name: string, type: string): Promise<Record<string, unknown> | undefined>;
  /** Makes a request; the object as it was answered. */
  request(name: string, subject: Subject): Promise<Record<string, unknown>>;
  /** Makes a request, approves it and waits for its end; the certificate, when there is one. */
  certificateOf(name: string, subject: Subject): Promise<string | undefined>;
}

async function startSigning(): Promise<SigningCluster> {
  const server = await startTestApiServer();
  const nowMs = systemClock.now();
  const validity = { notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + DAY_MS };
  const authority = await systemPki.createCertificateAuthority({ commonName: "kubernetes", validity });
  const ports = { api: server.api, clock: systemClock, random: systemRandom, logger: silentLogger };
  const controller = new CertificateSigningController(ports, { pki: systemPki, authority });
  controller.start();
  const statusOf = async (name: string): Promise<Record<string, unknown> | undefined> => {
    const { status, body } = await server.call("GET", `${CSRS}/${name}`);
    return status === 200 ? (body["status"] as Record<string, unknown>) : undefined;
  };
  const conditionOf = async (name: string, type: string): Promise<Record<string, unknown> | undefined> =>
    ((await statusOf(name))?.["conditions"] as Record<string, unknown>[] | undefined)?.find(
      (condition) => condition["type"] === type,
    );
  return {
    authority,
    statusOf,
    conditionOf,
    request: (name, subject) => request(server, name, subject),
    async certificateOf(name, subject) {
      await approve(server, await request(server, name, subject));
      for (;;) {
        const certificate = (await statusOf(name))?.["certificate"];
        if (typeof certificate === "string") return certificate;
        if (await conditionOf(name, "Failed")) return undefined;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      await controller[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function request(server: TestApiServer, name: string, subject: Subject): Promise<Record<string, unknown>> {
  const { requestDer } = await systemPki.createCertificateRequest(subject);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(requestDer).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  const { group, version, kind } = resource;
  const { status, body } = await server.call("POST", CSRS, {
    body: {
      ...{ apiVersion: `${group}/${version}`, kind, metadata: { name } },
      spec: {
        ...{ signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"], expirationSeconds: 3600 },
        request: Buffer.from(pem).toString("base64"),
      },
    },
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

/** As `kubectl certificate approve` does it. */
async function approve(server: TestApiServer, made: Record<string, unknown>): Promise<void> {
  const conditions = [{ type: "Approved", status: "True", reason: "KubectlApprove", message: "by hand" }];
  const { name } = made["metadata"] as { name: string };
  const { status, body } = await server.call("PUT", `${CSRS}/${name}/approval`, {
    body: { ...made, status: { conditions } },
  });
  assert.equal(status, 200, JSON.stringify(body));
}
