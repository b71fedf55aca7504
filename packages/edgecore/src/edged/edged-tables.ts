import type { PodStatus } from "@skerry/api";
import type { Migration, Reader, Transaction } from "@skerry/store";
import { releaseDevices } from "./devices/device-tables.ts";
import type { PodIdentity } from "./pod/runtime-names.ts";

/**
 * What Edged must remember across restarts: the status last reported of each pod (restart counts, what is over for
 * good), and the service-account tokens in use, so that a restart needs no network (I10).
 */
export const edgedTables: Migration = `
  CREATE TABLE IF NOT EXISTS edged_pod (
    uid TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS edged_token (
    pod_uid TEXT NOT NULL,
    request TEXT NOT NULL,
    token TEXT NOT NULL,
    refresh_at_ms INTEGER NOT NULL,
    PRIMARY KEY (pod_uid, request)
  );
`;

/** A pod that Edged has worked on. */
export interface RememberedPod extends PodIdentity {
  readonly status: PodStatus;
}

export function rememberedPods(reader: Reader): RememberedPod[] {
  return reader.all("SELECT uid, namespace, name, status FROM edged_pod ORDER BY uid").map((row) => ({
    uid: String(row["uid"]),
    namespace: String(row["namespace"]),
    name: String(row["name"]),
    status: JSON.parse(String(row["status"])) as PodStatus,
  }));
}

export function rememberPod(transaction: Transaction, pod: PodIdentity, status: PodStatus): void {
  transaction.run(
    `INSERT INTO edged_pod (uid, namespace, name, status) VALUES (?, ?, ?, ?)
     ON CONFLICT (uid) DO UPDATE SET status = excluded.status`,
    pod.uid,
    pod.namespace,
    pod.name,
    JSON.stringify(status),
  );
}

export function forgetPod(transaction: Transaction, uid: string): void {
  transaction.run("DELETE FROM edged_pod WHERE uid = ?", uid);
  transaction.run("DELETE FROM edged_token WHERE pod_uid = ?", uid);
  releaseDevices(transaction, uid);
}

/** A service-account token in use by a pod. */
export interface RememberedToken {
  readonly token: string;
  /** Wall clock, ms: from then on a newer one is wanted. */
  readonly refreshAtMs: number;
}

export function rememberedToken(reader: Reader, uid: string, request: string): RememberedToken | undefined {
  const row = reader.first(
    "SELECT token, refresh_at_ms FROM edged_token WHERE pod_uid = ? AND request = ?",
    uid,
    request,
  );
  return row && { token: String(row["token"]), refreshAtMs: Number(row["refresh_at_ms"]) };
}

export function rememberToken(transaction: Transaction, uid: string, request: string, token: RememberedToken): void {
  transaction.run(
    `INSERT INTO edged_token (pod_uid, request, token, refresh_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (pod_uid, request) DO UPDATE SET token = excluded.token, refresh_at_ms = excluded.refresh_at_ms`,
    uid,
    request,
    token.token,
    token.refreshAtMs,
  );
}
