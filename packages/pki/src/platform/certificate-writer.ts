import { createHash, createPrivateKey, createPublicKey, randomBytes, type webcrypto } from "node:crypto";
import { isIP } from "node:net";
// The ASN.1 library registers its parts through this polyfill, which must be loaded before it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { privateKeyInvalid, requestInvalid } from "../errors.ts";
import type {
  CertificateAuthorityOptions,
  CertificateOptions,
  CertificateRequest,
  CertificateRequestFacts,
  CertificateUsage,
  KeyedCertificate,
} from "../pki.ts";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const SIGNATURE_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

const EXTENDED_KEY_USAGE: Record<CertificateUsage, x509.ExtendedKeyUsage> = {
  serverAuth: x509.ExtendedKeyUsage.serverAuth,
  clientAuth: x509.ExtendedKeyUsage.clientAuth,
};

/** See {@link Pki.createCertificateAuthority}. */
export async function createCertificateAuthority(options: CertificateAuthorityOptions): Promise<KeyedCertificate> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: subjectName(options.commonName ?? "KubeEdge", options.organizations ?? []),
    notBefore: new Date(options.validity.notBeforeMs),
    notAfter: new Date(options.validity.notAfterMs),
    signingAlgorithm: SIGNATURE_ALGORITHM,
    keys,
    extensions: [
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
        true,
      ),
      new x509.ExtendedKeyUsageExtension([EXTENDED_KEY_USAGE.serverAuth, EXTENDED_KEY_USAGE.clientAuth]),
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificateDer: new Uint8Array(certificate.rawData),
    privateKeyDer: await exportPrivateKey(keys.privateKey),
  };
}

/** See {@link Pki.issueCertificate}. */
export async function issueCertificate(
  authority: KeyedCertificate,
  options: CertificateOptions,
): Promise<KeyedCertificate> {
  const keys = await generateKeys();
  return {
    certificateDer: await sign(authority, await x509.PublicKey.create(keys.publicKey), options),
    privateKeyDer: await exportPrivateKey(keys.privateKey),
  };
}

/** See {@link Pki.createCertificateRequest}; the subject's places are those that KubeEdge's edges ask with. */
export async function createCertificateRequest(
  subject: { readonly commonName: string; readonly organizations?: readonly string[] },
  privateKeyDer?: Uint8Array,
): Promise<CertificateRequest> {
  const keys = privateKeyDer ? await importKeys(privateKeyDer) : await generateKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subjectName(subject.commonName, subject.organizations ?? []),
    keys,
    signingAlgorithm: SIGNATURE_ALGORITHM,
  });
  return {
    requestDer: new Uint8Array(request.rawData),
    privateKeyDer: privateKeyDer ?? (await exportPrivateKey(keys.privateKey)),
  };
}

/** See {@link Pki.signCertificateRequest}. */
export async function signCertificateRequest(
  authority: KeyedCertificate,
  requestDer: Uint8Array,
  options: CertificateOptions,
): Promise<Uint8Array> {
  const request = await parseRequest(requestDer);
  return sign(authority, request.publicKey, options);
}

/** See {@link Pki.readCertificateRequest}. */
export async function readCertificateRequest(requestDer: Uint8Array): Promise<CertificateRequestFacts> {
  const request = await parseRequest(requestDer);
  const extension = request.getExtension(SUBJECT_ALTERNATIVE_NAME);
  const alternatives = extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : [];
  const namesOf = (type: x509.GeneralNameType): string[] =>
    alternatives.filter((name) => name.type === type).map(({ value }) => value);
  return {
    dnsNames: namesOf("dns"),
    ipAddresses: namesOf("ip"),
    commonName: request.subjectName.getField("CN").join(" "),
    organizations: request.subjectName.getField("O"),
    publicKeyFingerprint: createHash("sha256").update(new Uint8Array(request.publicKey.rawData)).digest("hex"),
  };
}

async function parseRequest(requestDer: Uint8Array): Promise<x509.Pkcs10CertificateRequest> {
  let request: x509.Pkcs10CertificateRequest;
  let signedByItsKey: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(new Uint8Array(requestDer));
    signedByItsKey = await request.verify();
  } catch (error) {
    throw requestInvalid("its bytes are no PKCS#10 request", error);
  }
  if (!signedByItsKey) throw requestInvalid("it is not signed by its own key");
  return request;
}

async function sign(
  authority: KeyedCertificate,
  publicKey: x509.PublicKey,
  options: CertificateOptions,
): Promise<Uint8Array> {
  const authorityCertificate = new x509.X509Certificate(new Uint8Array(authority.certificateDer));
  const alternatives: x509.JsonGeneralNames = [
    ...(options.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(options.ipAddresses ?? [])
      .filter((value) => isIP(value) !== 0)
      .map((value) => ({ type: "ip" as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: subjectName(options.commonName, options.organizations ?? []),
    issuer: authorityCertificate.subjectName,
    notBefore: new Date(options.validity.notBeforeMs),
    notAfter: new Date(options.validity.notAfterMs),
    signingAlgorithm: SIGNATURE_ALGORITHM,
    publicKey,
    signingKey: await importPrivateKey(authority.privateKeyDer),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(options.usages.map((usage) => EXTENDED_KEY_USAGE[usage])),
      await x509.AuthorityKeyIdentifierExtension.create(authorityCertificate.publicKey),
      ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

function subjectName(commonName: string, organizations: readonly string[]): x509.JsonName {
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
}

/** 63 random bits with the sign bit clear, as KubeEdge has it. */
function newSerialNumber(): string {
  const bytes = randomBytes(8);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return globalThis.crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<Uint8Array> {
  const pkcs8 = Buffer.from(await globalThis.crypto.subtle.exportKey("pkcs8", key));
  return new Uint8Array(
    createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ type: "sec1", format: "der" }),
  );
}

async function importKeys(privateKeyDer: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = await importPrivateKey(privateKeyDer);
  const key = createPrivateKey({ key: Buffer.from(privateKeyDer), format: "der", type: "sec1" });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    privateKey,
    publicKey: await globalThis.crypto.subtle.importKey("spki", spki, KEY_ALGORITHM, true, ["verify"]),
  };
}

async function importPrivateKey(privateKeyDer: Uint8Array): Promise<webcrypto.CryptoKey> {
  try {
    const pkcs8 = createPrivateKey({ key: Buffer.from(privateKeyDer), format: "der", type: "sec1" }).export({
      type: "pkcs8",
      format: "der",
    });
    return await globalThis.crypto.subtle.importKey("pkcs8", pkcs8, KEY_ALGORITHM, false, ["sign"]);
  } catch (error) {
    throw privateKeyInvalid("it is no SEC 1 key on the curve P-256", error);
  }
}
