import { fromBase64, toBase64 } from "@skerry/base";
import { pemInvalid } from "./errors.ts";
import type { KeyedCertificate } from "./pki.ts";

/** One PEM block (RFC 7468) with a final line end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The bytes of the first PEM block with one of the labels.
 * @throws SkerryError `PKI_PEM_INVALID`
 */
export function decodePem(text: string, ...labels: readonly string[]): Uint8Array {
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)) {
    if (labels.includes(match[1] ?? "")) return fromBase64((match[2] ?? "").replace(/\s/g, ""));
  }
  throw pemInvalid(labels[0] ?? "");
}

/** The bytes of all certificates in the text, at most `limit` of them. @throws SkerryError `PKI_PEM_INVALID` */
export function decodeCertificates(text: string, limit: number): readonly Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > limit) throw pemInvalid("CERTIFICATE");
  return blocks.map((block) => decodePem(block, "CERTIFICATE"));
}

/** PEM of a certificate. */
export function certificatePem(certificateDer: Uint8Array): string {
  return encodePem("CERTIFICATE", certificateDer);
}

/** PEM of a SEC 1 private key. */
export function privateKeyPem(privateKeyDer: Uint8Array): string {
  return encodePem("EC PRIVATE KEY", privateKeyDer);
}

/** Both halves as PEM, as TLS wants them. */
export function keyedCertificatePem(pair: KeyedCertificate): {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
} {
  return { certificatePem: certificatePem(pair.certificateDer), privateKeyPem: privateKeyPem(pair.privateKeyDer) };
}
