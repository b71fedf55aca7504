import type { ManagedKind } from "./managed-kinds.ts";

/** What a node knows of one object. Kept in an ObjectSync (ClusterObjectSync), so that it outlives CloudCore. */
export interface SyncRecord {
  readonly nodeName: string;
  readonly uid: string;
  readonly kind: ManagedKind;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** Version that the node last acknowledged; `0`: none yet. */
  acknowledged: string;
  /** {@link ManagedKind.significance} of the acknowledged version, when this process has seen it. */
  acknowledgedSignificance: string | undefined;
  /** The version that was last looked at, and its significance, where the kind has one. */
  compared: { readonly resourceVersion: string; readonly significance: string } | undefined;
  /** Where the sync object in the API stands. */
  stored: "absent" | "present" | "removing";
  /** The version that the sync object in the API says. */
  storedVersion: string;
  /** What was last handed to the node's present session. */
  sent: SentMessage | undefined;
}

export type SentMessage =
  | { readonly kind: "object"; readonly resourceVersion: string; readonly significance: string | undefined }
  | { readonly kind: "deletion" };

/** A record of an object that the node does not have yet. */
export function newSyncRecord(
  identity: Pick<SyncRecord, "nodeName" | "uid" | "kind" | "namespace" | "name">,
): SyncRecord {
  const { nodeName, uid, kind, namespace, name } = identity;
  return {
    nodeName,
    uid,
    kind,
    namespace,
    name,
    acknowledged: "0",
    acknowledgedSignificance: undefined,
    compared: undefined,
    stored: "absent",
    storedVersion: "",
    sent: undefined,
  };
}

/** Name of the sync object: `<nodeName>.<uid>` (wire.md 8.1). */
export function syncObjectName(nodeName: string, uid: string): string {
  return `${nodeName}.${uid}`;
}

/** Node and UID in a sync object's name: the UID is what follows the last dot; undefined when there is none. */
export function parseSyncObjectName(name: string): { readonly nodeName: string; readonly uid: string } | undefined {
  const dot = name.lastIndexOf(".");
  if (dot <= 0 || dot === name.length - 1) return undefined;
  return { nodeName: name.slice(0, dot), uid: name.slice(dot + 1) };
}
