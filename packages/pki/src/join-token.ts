import { fromBase64 } from "@skerry/base";
import { tokenRefused } from "./errors.ts";
import type { Pki } from "./pki.ts";
import { decodeSegment, encodeSegment, equalInConstantTime, toBase64Url, utf8 } from "./token-segments.ts";

/** The digests that tokens need. */
export type TokenDigests = Pick<Pki, "sha256" | "hmacSha256">;

/** Whom a token lets in, and until when. */
export interface JoinTokenOptions {
  /** The authority's certificate, DER. */
  readonly authorityDer: Uint8Array;
  /** Secret of the signature; KubeEdge uses the authority's private key, SEC 1 DER (security.md 3.1). */
  readonly key: Uint8Array;
}

/** Longest token that is looked at; a real one has about 180 characters. */
export const MAX_TOKEN_LENGTH = 4096;

/** SHA-256 of the authority's certificate (DER), lower-case hex: the part by which an edge recognises its cloud. */
export function authorityHash(digests: Pick<Pki, "sha256">, authorityDer: Uint8Array): string {
  return Buffer.from(digests.sha256(authorityDer)).toString("hex");
}

/** A join token `<authority hash>.<JWT HS256>` (security.md 3.1), good until `expiresAtMs` (wall clock, rounded down). */
export function createJoinToken(
  digests: TokenDigests,
  options: JoinTokenOptions & { readonly expiresAtMs: number },
): string {
  const header = encodeSegment({ alg: "HS256", typ: "JWT" });
  const payload = encodeSegment({ exp: Math.floor(options.expiresAtMs / 1000) });
  const signature = toBase64Url(digests.hmacSha256(options.key, utf8(`${header}.${payload}`)));
  return `${authorityHash(digests, options.authorityDer)}.${header}.${payload}.${signature}`;
}

/**
 * Splits a join token at the edge and compares its first part with the authority just downloaded (security.md 3.3).
 * @returns the bearer token to enrol with
 * @throws SkerryError `PKI_TOKEN_MALFORMED`, `PKI_TOKEN_WRONG_AUTHORITY`
 */
export function bearerTokenFor(digests: Pick<Pki, "sha256">, joinToken: string, authorityDer: Uint8Array): string {
  const parts = joinToken.trim().split(".");
  if (joinToken.length > MAX_TOKEN_LENGTH || parts.length !== 4 || parts.some((part) => part === ""))
    throw tokenRefused("malformed");
  if (parts[0] !== authorityHash(digests, authorityDer)) throw tokenRefused("wrong-authority");
  return parts.slice(1).join(".");
}

/**
 * Checks the bearer part of a join token in the cloud (security.md 3.3).
 * @throws SkerryError `PKI_TOKEN_MISSING`, `PKI_TOKEN_MALFORMED`, `PKI_TOKEN_FORGED`, `PKI_TOKEN_EXPIRED`
 */
export function verifyBearerToken(
  digests: Pick<Pki, "hmacSha256">,
  bearerToken: string,
  options: { readonly key: Uint8Array; readonly nowMs: number },
): void {
  if (bearerToken === "") throw tokenRefused("missing");
  if (bearerToken.length > MAX_TOKEN_LENGTH) throw tokenRefused("malformed");
  const [header = "", payload = "", signature = "", ...more] = bearerToken.split(".");
  if (more.length > 0 || decodeSegment(header)?.["alg"] !== "HS256") throw tokenRefused("malformed");
  const expected = digests.hmacSha256(options.key, utf8(`${header}.${payload}`));
  if (!equalInConstantTime(expected, fromBase64(signature))) throw tokenRefused("forged");
  const expiresAtSeconds = decodeSegment(payload)?.["exp"];
  if (typeof expiresAtSeconds !== "number") throw tokenRefused("malformed");
  if (options.nowMs >= expiresAtSeconds * 1000) throw tokenRefused("expired");
}

/** When a token ends (wall clock, ms), unverified; undefined when it cannot be read. For display and refresh. */
export function joinTokenExpiry(joinToken: string): number | undefined {
  const expiresAtSeconds = decodeSegment(joinToken.split(".")[2] ?? "")?.["exp"];
  return typeof expiresAtSeconds === "number" ? expiresAtSeconds * 1000 : undefined;
}
