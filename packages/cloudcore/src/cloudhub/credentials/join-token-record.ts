import { isJsonObject, type JsonValue } from "@skerry/base";
import { equalInConstantTime, tokenRefused } from "@skerry/pki";
import { nameTaken, tokenRecordUnusable } from "../errors.ts";

/** Whom a token lets in. */
export type JoinTokenScope =
  | { readonly kind: "node"; readonly nodeName: string }
  /** So many nodes, of any name or of names like `sensor-*`. */
  | { readonly kind: "batch"; readonly count: number; readonly namePattern?: string };

/** One node that enrolled with a token. */
export interface JoinTokenUse {
  readonly nodeName: string;
  /** SHA-256 of the node's public key, hex: the same key may enrol again, for instance when the answer was lost. */
  readonly keyFingerprint: string;
  readonly atMs: number;
}

/** What the cloud knows of a token. Its secret is not among it. All times are wall clock, ms. */
export interface JoinTokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly scope: JoinTokenScope;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs?: number;
  readonly uses: readonly JoinTokenUse[];
}

/** Somebody who wants to enrol with a token. */
export interface JoinTokenClaim {
  /** SHA-256 of the secret shown, hex. */
  readonly secretHash: string;
  readonly nodeName: string;
  readonly keyFingerprint: string;
  readonly nowMs: number;
}

/** State of a token, for lists. */
export type JoinTokenState = "good" | "used-up" | "expired" | "revoked";

/** Most nodes of one batch. */
export const MAX_BATCH = 1_000;

/** What has become of the token. */
export function stateOf(record: JoinTokenRecord, nowMs: number): JoinTokenState {
  if (record.revokedAtMs !== undefined) return "revoked";
  if (nowMs >= record.expiresAtMs) return "expired";
  return record.uses.length >= capacityOf(record.scope) ? "used-up" : "good";
}

/** Nodes that a token is for. */
export function capacityOf(scope: JoinTokenScope): number {
  return scope.kind === "node" ? 1 : scope.count;
}

/**
 * Judges a claim. The secret comes first, so that nobody without it learns anything of the token.
 * @returns whether this key has enrolled this node with the token before
 * @throws SkerryError `PKI_TOKEN_FORGED`, `PKI_TOKEN_REVOKED`, `PKI_TOKEN_EXPIRED`, `PKI_TOKEN_WRONG_NODE`,
 * `PKI_TOKEN_USED_UP`, `CLOUDHUB_NAME_TAKEN`
 */
export function judgeClaim(record: JoinTokenRecord, claim: JoinTokenClaim): { readonly isRepeat: boolean } {
  if (!equalInConstantTime(bytes(record.secretHash), bytes(claim.secretHash))) throw tokenRefused("forged");
  if (record.revokedAtMs !== undefined) throw tokenRefused("revoked");
  if (claim.nowMs >= record.expiresAtMs) throw tokenRefused("expired");
  if (!isFor(record.scope, claim.nodeName)) throw tokenRefused("wrong-node");
  const before = record.uses.find(({ nodeName }) => nodeName === claim.nodeName);
  if (before?.keyFingerprint === claim.keyFingerprint) return { isRepeat: true };
  if (record.uses.length >= capacityOf(record.scope)) throw tokenRefused("used-up");
  if (before) throw nameTaken(claim.nodeName);
  return { isRepeat: false };
}

/** The record after the claim was granted. */
export function withUse(record: JoinTokenRecord, { nodeName, keyFingerprint, nowMs }: JoinTokenClaim): JoinTokenRecord {
  return { ...record, uses: [...record.uses, { nodeName, keyFingerprint, atMs: nowMs }] };
}

/** Whether the name fits a pattern in which `*` stands for any characters. */
export function fitsPattern(nodeName: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (!nodeName.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return nodeName === first;
  let at = first.length;
  for (const part of rest) {
    const found = nodeName.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return nodeName.length - last.length >= at && nodeName.endsWith(last);
}

/** The record as it is stored. */
export function encodeRecord(record: JoinTokenRecord): string {
  return JSON.stringify(record);
}

/** @throws SkerryError `CLOUDHUB_TOKEN_RECORD_UNUSABLE` */
export function decodeRecord(id: string, text: string): JoinTokenRecord {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw tokenRecordUnusable(id, error);
  }
  if (!isJsonObject(value)) throw tokenRecordUnusable(id);
  const { secretHash, createdAtMs, expiresAtMs, revokedAtMs, uses } = value;
  const scope = readScope(value["scope"]);
  const isWhole = value["id"] === id && typeof secretHash === "string" && /^[0-9a-f]{64}$/.test(secretHash);
  if (!isWhole || !scope || typeof createdAtMs !== "number" || typeof expiresAtMs !== "number" || !Array.isArray(uses))
    throw tokenRecordUnusable(id);
  return {
    id,
    secretHash,
    scope,
    createdAtMs,
    expiresAtMs,
    ...(typeof revokedAtMs === "number" ? { revokedAtMs } : {}),
    uses: uses.map((use) => readUse(id, use)),
  };
}

function readScope(value: JsonValue | undefined): JoinTokenScope | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kind, nodeName, count, namePattern } = value;
  if (kind === "node" && typeof nodeName === "string") return { kind, nodeName };
  if (kind !== "batch" || typeof count !== "number") return undefined;
  return { kind, count, ...(typeof namePattern === "string" ? { namePattern } : {}) };
}

function readUse(id: string, value: JsonValue): JoinTokenUse {
  const { nodeName, keyFingerprint, atMs } = isJsonObject(value) ? value : {};
  if (typeof nodeName !== "string" || typeof keyFingerprint !== "string" || typeof atMs !== "number")
    throw tokenRecordUnusable(id);
  return { nodeName, keyFingerprint, atMs };
}

function isFor(scope: JoinTokenScope, nodeName: string): boolean {
  if (scope.kind === "node") return scope.nodeName === nodeName;
  return scope.namePattern === undefined || fitsPattern(nodeName, scope.namePattern);
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}
