import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { nodeSubject } from "../node-identity.ts";
import { certificatePem, decodePem, keyedCertificatePem } from "../pem.ts";
import type { CertificateOptions } from "../pki.ts";
import { readPrivateKeyPem, systemPki } from "./system-pki.ts";

const nowMs = Date.UTC(2026, 10, 22);
const validity = { notBeforeMs: nowMs, notAfterMs: nowMs + 365 * 86_400_000 };
const authority = await systemPki.createCertificateAuthority({ validity });
const otherAuthority = await systemPki.createCertificateAuthority({ validity });

function nodeOptions(nodeName: string): CertificateOptions {
  return { ...nodeSubject(nodeName), usages: ["clientAuth"], validity };
}

test("the authority has the fields of KubeEdge's template", () => {
  const certificate = new X509Certificate(authority.certificateDer);
  assert.equal(certificate.subject, "CN=KubeEdge");
  assert.equal(certificate.issuer, "CN=KubeEdge");
  assert.equal(certificate.ca, true);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  assert.equal(certificate.verify(certificate.publicKey), true);
  assert.equal(systemPki.readCertificate(authority.certificateDer).notAfterMs, validity.notAfterMs);
});

test("an issued server certificate carries its names, addresses and usage, and its key fits", async () => {
  const server = await systemPki.issueCertificate(authority, {
    commonName: "KubeEdge",
    organizations: ["KubeEdge"],
    usages: ["serverAuth"],
    dnsNames: ["cloud.example"],
    ipAddresses: ["192.0.2.2", "2001:db8::1"],
    validity,
  });
  const facts = systemPki.verifyCertificate(server.certificateDer, authority.certificateDer, {
    usage: "serverAuth",
    nowMs,
  });
  assert.deepEqual(facts.organizations, ["KubeEdge"]);
  assert.deepEqual(facts.dnsNames, ["cloud.example"]);
  assert.deepEqual(facts.ipAddresses, ["192.0.2.2", "2001:DB8:0:0:0:0:0:1"]);
  assert.ok(new X509Certificate(server.certificateDer).checkHost("cloud.example"));
  assert.ok(systemPki.keyMatches(server));
  assert.equal(systemPki.keyMatches({ ...server, privateKeyDer: authority.privateKeyDer }), false);
});

test("a certificate from a request has the signer's subject, whatever the request asked for", async () => {
  const request = await systemPki.createCertificateRequest({
    commonName: "system:node:someone-else",
    organizations: ["system:masters"],
  });
  const asked = await systemPki.readCertificateRequest(request.requestDer);
  assert.equal(asked.commonName, "system:node:someone-else");
  const certificateDer = await systemPki.signCertificateRequest(authority, request.requestDer, nodeOptions("edge-1"));
  const facts = systemPki.readCertificate(certificateDer);
  assert.equal(facts.commonName, "system:node:edge-1");
  assert.deepEqual(facts.organizations, ["system:nodes"]);
  assert.deepEqual(facts.usages, ["clientAuth"]);
  assert.equal(facts.publicKeyFingerprint, asked.publicKeyFingerprint);
  assert.ok(systemPki.keyMatches({ certificateDer, privateKeyDer: request.privateKeyDer }));
});

test("a request that is altered or no request is refused", async () => {
  const request = await systemPki.createCertificateRequest(nodeSubject("edge-1"));
  const altered = request.requestDer.slice();
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  for (const bytes of [altered, new Uint8Array(), new Uint8Array([1, 2, 3]), request.requestDer.slice(0, 40)])
    await assert.rejects(systemPki.signCertificateRequest(authority, bytes, nodeOptions("edge-1")), (error) =>
      isSkerryError(error, "PKI_REQUEST_INVALID"),
    );
});

test("a certificate is refused when it is foreign, too old, too young or for something else", async () => {
  const { certificateDer } = await systemPki.issueCertificate(authority, nodeOptions("edge-1"));
  const { certificateDer: foreign } = await systemPki.issueCertificate(otherAuthority, nodeOptions("edge-1"));
  const verify = (der: Uint8Array, atMs: number, usage: "clientAuth" | "serverAuth" = "clientAuth"): unknown =>
    systemPki.verifyCertificate(der, authority.certificateDer, { usage, nowMs: atMs });
  const refusals: [() => unknown, string][] = [
    [() => verify(foreign, nowMs), "PKI_CERTIFICATE_WRONG_AUTHORITY"],
    [() => verify(otherAuthority.certificateDer, nowMs), "PKI_CERTIFICATE_WRONG_AUTHORITY"],
    [() => verify(certificateDer, validity.notAfterMs + 1), "PKI_CERTIFICATE_EXPIRED"],
    [() => verify(certificateDer, nowMs - 1), "PKI_CERTIFICATE_NOT_YET_VALID"],
    [() => verify(certificateDer, nowMs, "serverAuth"), "PKI_CERTIFICATE_WRONG_USAGE"],
    [() => verify(new Uint8Array([0]), nowMs), "PKI_CERTIFICATE_INVALID"],
  ];
  verify(certificateDer, nowMs);
  for (const [attempt, code] of refusals) assert.throws(attempt, (error) => isSkerryError(error, code), code);
});

test("a node's certificate cannot sign another that is accepted", async () => {
  const node = await systemPki.issueCertificate(authority, nodeOptions("edge-1"));
  const forged = await systemPki.issueCertificate(node, nodeOptions("edge-2"));
  for (const authorityDer of [authority.certificateDer, node.certificateDer])
    assert.throws(
      () => systemPki.verifyCertificate(forged.certificateDer, authorityDer, { usage: "clientAuth", nowMs }),
      (error) => isSkerryError(error, "PKI_CERTIFICATE_WRONG_AUTHORITY"),
    );
});

test("PEM goes there and back, and a wrong file is named as such", () => {
  const { certificatePem: certificate, privateKeyPem } = keyedCertificatePem(authority);
  assert.deepEqual(decodePem(certificate, "CERTIFICATE"), authority.certificateDer);
  assert.deepEqual(readPrivateKeyPem(privateKeyPem), authority.privateKeyDer);
  const pkcs8 = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "pem" }).toString();
  assert.deepEqual(readPrivateKeyPem(pkcs8), authority.privateKeyDer);
  assert.equal(certificate, certificatePem(authority.certificateDer));
  assert.throws(
    () => decodePem(privateKeyPem, "CERTIFICATE"),
    (error) => isSkerryError(error, "PKI_PEM_INVALID"),
  );
  assert.throws(
    () => readPrivateKeyPem(certificate),
    (error) => isSkerryError(error, "PKI_PRIVATE_KEY_INVALID"),
  );
});
