import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { Message } from "@skerry/link";
import type { DesiredObjects } from "./desired-objects.ts";
import { nodeKind } from "./managed-kinds.ts";
import { NodeSynchronizer } from "./node-synchronizer.ts";
import { MemoryRecordStore } from "./record-store.ts";

const NODE = "edge-1";

/** A node's own Node object, which is to be brought there. */
class OneNode {
  readonly store: MemoryRecordStore = new MemoryRecordStore(() => undefined);
  readonly sent: Message[] = [];
  /** How often an object was looked at closely. */
  looks = 0;
  #object: KubernetesObject | undefined;
  readonly #desired: DesiredObjects;

  constructor() {
    const current = (): KubernetesObject | undefined => this.#object;
    this.#desired = {
      *objectsOf() {
        const object = current();
        if (object) yield { kind: nodeKind, object };
      },
      objectFor: () => {
        this.looks++;
        return this.#object;
      },
      belongsTo: () => this.#object !== undefined,
    };
  }

  /** The Node as it is now, with a heartbeat of its own. */
  is(version: number, label: string): void {
    const metadata = { name: NODE, uid: "uid-1", resourceVersion: String(version), labels: { label } };
    const status = { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: `${version}` }] };
    this.#object = { apiVersion: "v1", kind: "Node", metadata, status } as KubernetesObject;
  }

  session(): NodeSynchronizer {
    const clock = new ManualClock();
    return new NodeSynchronizer({
      nodeName: NODE,
      api: new MemoryKubernetesApi({ now: () => clock.now() }),
      desired: this.#desired,
      store: this.store,
      stamp: { clock, random: new SeededRandom() },
      logger: silentLogger,
      deliver: (message) => this.sent.push(message) > 0,
      onOutgoing: () => undefined,
    });
  }

  /** Compares everything; returns the versions that were sent, and how often it looked closely. */
  async compare(session: NodeSynchronizer): Promise<{ readonly sent: string[]; readonly looks: number }> {
    this.looks = 0;
    session.compareAll();
    await settle();
    return { sent: this.sent.splice(0).map(({ header }) => header.resourceversion ?? ""), looks: this.looks };
  }

  acknowledge(): void {
    for (const record of this.store.records.of(NODE)) {
      if (record.sent?.kind !== "object") continue;
      record.acknowledgedSignificance = record.sent.significance;
      this.store.acknowledged(record, record.sent.resourceVersion);
    }
  }
}

test("a node that holds everything is not looked at closely again, however often its heartbeat changes", async () => {
  const node = new OneNode();
  node.is(1, "a");
  using session = node.session();
  assert.deepEqual((await node.compare(session)).sent, ["1"]);
  assert.deepEqual(await node.compare(session), { sent: [], looks: 0 });
  node.acknowledge();
  assert.deepEqual(await node.compare(session), { sent: [], looks: 0 });
  node.is(2, "a");
  const first = await node.compare(session);
  assert.deepEqual(first.sent, []);
  assert.ok(first.looks > 0, "a version that nobody has compared is looked at");
  assert.deepEqual(await node.compare(session), { sent: [], looks: 0 });
  node.is(3, "b");
  assert.deepEqual((await node.compare(session)).sent, ["3"]);
});

test("what a session did not acknowledge is sent in the next one, although the version was compared before", async () => {
  const node = new OneNode();
  node.is(1, "a");
  using first = node.session();
  await node.compare(first);
  node.acknowledge();
  node.is(2, "b");
  assert.deepEqual((await node.compare(first)).sent, ["2"]);
  node.is(3, "b");
  assert.deepEqual((await node.compare(first)).sent, []);
  using second = node.session();
  assert.deepEqual((await node.compare(second)).sent, ["3"]);
});
