import { createHash, createHmac, createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import {
  certificateExpired,
  certificateInvalid,
  certificateNotYetValid,
  certificateWrongAuthority,
  certificateWrongUsage,
  privateKeyInvalid,
} from "../errors.ts";
import type { CertificateFacts, CertificateUsage, KeyedCertificate, Pki, VerificationOptions } from "../pki.ts";

const USAGE_BY_OID: ReadonlyMap<string, CertificateUsage> = new Map([
  ["1.3.6.1.5.5.7.3.1", "serverAuth"],
  ["1.3.6.1.5.5.7.3.2", "clientAuth"],
]);

/**
 * Node's own crypto. What writes ASN.1 is loaded when it is first needed: an enrolled edge never pays for it.
 */
export const systemPki: Pki = {
  createCertificateAuthority: async (options) => (await writer()).createCertificateAuthority(options),
  issueCertificate: async (authority, options) => (await writer()).issueCertificate(authority, options),
  createCertificateRequest: async (subject, privateKeyDer) =>
    (await writer()).createCertificateRequest(subject, privateKeyDer),
  signCertificateRequest: async (authority, requestDer, options) =>
    (await writer()).signCertificateRequest(authority, requestDer, options),
  readCertificateRequest: async (requestDer) => (await writer()).readCertificateRequest(requestDer),
  readCertificate: (certificateDer) => factsOf(parse(certificateDer)),
  verifyCertificate,
  keyMatches,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
};

/**
 * SEC 1 DER of a private key in PEM, whatever its form.
 * @throws SkerryError `PKI_PRIVATE_KEY_INVALID`
 */
export function readPrivateKeyPem(pem: string): Uint8Array {
  try {
    return new Uint8Array(createPrivateKey(pem).export({ type: "sec1", format: "der" }));
  } catch (error) {
    throw privateKeyInvalid("it is no PEM of an elliptic curve key", error);
  }
}

function writer(): Promise<typeof import("./certificate-writer.ts")> {
  return import("./certificate-writer.ts");
}

function parse(certificateDer: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(certificateDer);
  } catch (error) {
    throw certificateInvalid("its bytes are no X.509 certificate", error);
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  // The legacy object keeps values apart that the one-line text form would run together.
  const subject: Record<string, string | string[] | undefined> = { ...certificate.toLegacyObject().subject };
  const names = subject["CN"];
  const organizations = subject["O"] ?? [];
  const alternatives = (certificate.subjectAltName ?? "").split(", ");
  const valuesOf = (prefix: string): string[] =>
    alternatives.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return {
    commonName: typeof names === "string" ? names : "",
    organizations: typeof organizations === "string" ? [organizations] : organizations,
    usages: (certificate.keyUsage ?? []).flatMap((oid) => USAGE_BY_OID.get(oid) ?? []),
    isCertificateAuthority: certificate.ca,
    dnsNames: valuesOf("DNS:"),
    ipAddresses: valuesOf("IP Address:"),
    fingerprint: createHash("sha256").update(certificate.raw).digest("hex"),
    publicKeyFingerprint: createHash("sha256")
      .update(certificate.publicKey.export({ type: "spki", format: "der" }))
      .digest("hex"),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

function verifyCertificate(
  certificateDer: Uint8Array,
  authorityDer: Uint8Array,
  options: VerificationOptions,
): CertificateFacts {
  const certificate = parse(certificateDer);
  const authority = parse(authorityDer);
  const facts = factsOf(certificate);
  if (!authority.ca || !certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
    throw certificateWrongAuthority(facts.commonName);
  if (options.nowMs > facts.notAfterMs + (options.expiredGraceMs ?? 0))
    throw certificateExpired(facts.commonName, facts.notAfterMs);
  if (options.nowMs < facts.notBeforeMs) throw certificateNotYetValid(facts.commonName, facts.notBeforeMs);
  if (!facts.usages.includes(options.usage)) throw certificateWrongUsage(facts.commonName, options.usage);
  return facts;
}

function keyMatches(pair: KeyedCertificate): boolean {
  try {
    const key = createPrivateKey({ key: Buffer.from(pair.privateKeyDer), format: "der", type: "sec1" });
    return parse(pair.certificateDer).checkPrivateKey(key);
  } catch {
    return false;
  }
}
