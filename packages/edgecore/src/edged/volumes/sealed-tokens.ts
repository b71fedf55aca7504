import type { Migration, Reader, Row, Transaction } from "@skerry/store";

// Service-account tokens in the database: table `edged_sealed_token`. Earlier versions kept them in `edged_token`, readable.

/** Takes the place of `edged_token`, whose rows are sealed at the first start. */
export const sealedTokenTable: Migration = `
  CREATE TABLE edged_sealed_token (
    pod_uid TEXT NOT NULL,
    request TEXT NOT NULL,
    sealed BLOB NOT NULL,
    refresh_at_ms INTEGER NOT NULL,
    PRIMARY KEY (pod_uid, request)
  )
`;

/** Whose token it is, and what was asked for. */
export interface TokenPlace {
  readonly podUid: string;
  readonly request: string;
}

/** A token in use by a pod, as it is stored. */
export interface SealedToken extends TokenPlace {
  readonly sealed: Uint8Array;
  /** Wall clock, ms: from then on a newer one is wanted. */
  readonly refreshAtMs: number;
}

/** A token as versions before the sealing stored it. */
export interface BareToken extends TokenPlace {
  readonly token: string;
  readonly refreshAtMs: number;
}

export function sealedToken(reader: Reader, { podUid, request }: TokenPlace): SealedToken | undefined {
  const row = reader.first("SELECT * FROM edged_sealed_token WHERE pod_uid = ? AND request = ?", podUid, request);
  return row && sealedOf(row);
}

export function sealedTokens(reader: Reader): SealedToken[] {
  return reader.all("SELECT * FROM edged_sealed_token ORDER BY pod_uid, request").map(sealedOf);
}

export function bareTokens(reader: Reader): BareToken[] {
  return reader.all("SELECT * FROM edged_token ORDER BY pod_uid, request").map((row) => ({
    ...placeOf(row),
    token: String(row["token"]),
    refreshAtMs: Number(row["refresh_at_ms"]),
  }));
}

export function keepToken(transaction: Transaction, token: SealedToken): void {
  transaction.run(
    `INSERT INTO edged_sealed_token (pod_uid, request, sealed, refresh_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (pod_uid, request) DO UPDATE SET sealed = excluded.sealed, refresh_at_ms = excluded.refresh_at_ms`,
    token.podUid,
    token.request,
    token.sealed,
    token.refreshAtMs,
  );
}

/** Drops the token unless a newer one has taken its place. */
export function dropToken(transaction: Transaction, { podUid, request, sealed }: SealedToken): void {
  transaction.run(
    "DELETE FROM edged_sealed_token WHERE pod_uid = ? AND request = ? AND sealed = ?",
    podUid,
    request,
    sealed,
  );
}

/** Puts other bytes in the place of the token's, unless a newer one has taken its place. */
export function replaceSealed(transaction: Transaction, token: SealedToken, sealed: Uint8Array): void {
  const { podUid, request } = token;
  transaction.run(
    "UPDATE edged_sealed_token SET sealed = ? WHERE pod_uid = ? AND request = ? AND sealed = ?",
    sealed,
    podUid,
    request,
    token.sealed,
  );
}

/** Drops what lies unsealed, so that nothing of it is left in the file's free space. */
export function wipeBareTokens(transaction: Transaction): void {
  transaction.first("PRAGMA secure_delete = ON");
  transaction.run("DELETE FROM edged_token");
  transaction.first("PRAGMA secure_delete = OFF");
}

/** Brings what was wiped from the write-ahead log to the file, and empties the log. */
export function emptyLog(reader: Reader): void {
  reader.first("PRAGMA wal_checkpoint(TRUNCATE)");
}

export function forgetTokens(transaction: Transaction, podUid: string): void {
  for (const table of ["edged_sealed_token", "edged_token"])
    transaction.run(`DELETE FROM ${table} WHERE pod_uid = ?`, podUid);
}

function sealedOf(row: Row): SealedToken {
  const { sealed } = row;
  return {
    ...placeOf(row),
    sealed: sealed instanceof Uint8Array ? sealed : new Uint8Array(),
    refreshAtMs: Number(row["refresh_at_ms"]),
  };
}

function placeOf(row: Row): TokenPlace {
  return { podUid: String(row["pod_uid"]), request: String(row["request"]) };
}
