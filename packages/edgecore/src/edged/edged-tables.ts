import type { PodStatus } from "@skerry/api";
import type { Migration, Reader, Transaction } from "@skerry/store";
import { releaseDevices } from "./devices/device-tables.ts";
import type { PodIdentity } from "./pod/runtime-names.ts";
import { forgetTokens } from "./volumes/sealed-tokens.ts";

/**
 * What Edged must remember across restarts, so that one needs no network (I10): the status last reported of each pod
 * (restart counts, what is over for good). `edged_token` had the service-account tokens in use; see `sealedTokenTable`.
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
  forgetTokens(transaction, uid);
  releaseDevices(transaction, uid);
}
