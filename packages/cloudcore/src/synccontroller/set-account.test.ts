import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { digestOf, type SetDigest } from "@skerry/link";
import type { DesiredObjects } from "./desired-objects.ts";
import { type ManagedKind, managedKinds } from "./managed-kinds.ts";
import { MemoryRecordStore } from "./record-store.ts";
import { SET_TYPES, SetAccount } from "./set-account.ts";
import { newSyncRecord, type SyncRecord } from "./sync-record.ts";

const NODE = "edge-1";

function configMapKind(): ManagedKind {
  const kind = managedKinds.find(({ type }) => type === "configmap");
  assert.ok(kind);
  return kind;
}

/** A node that should hold the ConfigMap `settings`, and what it says when it holds that alone. */
function world(): {
  readonly account: SetAccount;
  readonly digests: ReadonlyMap<string, SetDigest>;
  readonly acknowledge: (name: string, version: string) => SyncRecord;
  readonly held: () => string[];
} {
  const kind = configMapKind();
  const metadata = { name: "settings", namespace: "plant", uid: "uid-settings", resourceVersion: "7" };
  const object: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata };
  const desired: Pick<DesiredObjects, "objectsOf"> = { objectsOf: () => [{ kind, object }] };
  const store = new MemoryRecordStore(() => undefined);
  const holding = [
    { type: kind.type, namespace: "plant", name: "settings", uid: "uid-settings", resourceVersion: "7" },
  ];
  return {
    account: new SetAccount(NODE, store, desired as DesiredObjects),
    digests: new Map(SET_TYPES.map((type) => [type, digestOf(type === kind.type ? holding : [])])),
    acknowledge: (name, version) => {
      const record = newSyncRecord({ nodeName: NODE, uid: `uid-${name}`, kind, namespace: "plant", name });
      store.records.add(record);
      store.acknowledged(record, version);
      return record;
    },
    held: () => store.records.of(NODE).map(({ name, acknowledged }) => `${name} ${acknowledged}`),
  };
}

test("a node whose digest is that of what it should hold holds it, and gives no inventory", () => {
  const { account, digests, held } = world();
  assert.deepEqual(account.adoptDigests(digests, account.heldDigests()), []);
  assert.deepEqual(held(), ["settings 7"]);
});

// Found by the simulation (seed 20192 of Skerry's protocol): a node took a ConfigMap from the answer to its query after it
// had given its digests; the ConfigMap was deleted before these were looked at, and stayed on the node for five minutes.
test("what a node has acknowledged since it gave its digests is not forgotten: it gives an inventory", () => {
  const { account, digests, acknowledge, held } = world();
  const heldThen = account.heldDigests();
  acknowledge("limits", "170");
  assert.deepEqual(account.adoptDigests(digests, heldThen), ["configmap"]);
  assert.deepEqual(held(), ["limits 170"]);
});
