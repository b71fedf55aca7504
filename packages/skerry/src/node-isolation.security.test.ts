// What a node asks of the Kubernetes API by its MetaServer goes to the API server in the node's name. Here both are the
// production code, over TLS: by no request, and by no watch, does edge-1 get at what is edge-2's.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  configMaps,
  type KubernetesObject,
  leases,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
} from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import {
  application,
  attacksOn,
  KINDS,
  keyOf,
  markOf,
  namespaceOf,
  OTHER_ATTACKS,
  OWN,
  ownPods,
  readsOf,
  VICTIM,
} from "./testing/attacks-by-application.ts";
import { bodyOf, isApproved, MetaServerCloud, type MetaServerNode } from "./testing/meta-server-cloud.ts";

/** All objects of the kinds that are not the attacker's, as text to compare. */
async function othersObjects(api: KubernetesApi): Promise<string> {
  const all: KubernetesObject[] = [];
  for (const resource of KINDS) all.push(...(await api.list<KubernetesObject>({ resource })).items);
  // CloudCore's own leases and tokens.
  const others = all.filter(({ metadata }) => metadata.name !== OWN && metadata.namespace !== "kubeedge");
  return JSON.stringify(others, undefined, 1);
}

function assertNothingOfTheVictim(node: MetaServerNode): void {
  const mark = markOf(VICTIM);
  const encoded = Buffer.from(mark).toString("base64");
  // A refusal may name the node, as it was named in the request; what is in its objects it may not.
  for (const text of node.received) assert.ok(!text.includes(mark) && !text.includes(encoded), text.slice(0, 500));
}

test("by no request and no watch of its MetaServer a node gets at what is another node's, at a real API server", async (t) => {
  await using cloud = await MetaServerCloud.start();
  const node = await cloud.connect(OWN);
  const before = await othersObjects(cloud.api);

  await t.test("the requests are real ones: a node does read, watch and write its own so", async () => {
    for (const resource of [nodes, pods, secrets, configMaps, persistentVolumes, persistentVolumeClaims]) {
      const answer = await node.ask(application("get", keyOf(resource, OWN)));
      assert.ok(isApproved(answer) && bodyOf(answer).includes(markOf(OWN)), JSON.stringify(answer));
    }
    assert.deepEqual(await node.watchAll([ownPods()]), []);
    const isOwnPod = (text: string): boolean => /"resource":"default\/pod\/edge-1"/.test(text);
    while (!node.received.some(isOwnPod)) await new Promise((resolve) => setImmediate(resolve));
    const lease = await cloud.api.get<KubernetesObject>({ resource: leases, namespace: "kube-node-lease", name: OWN });
    const renewed = { ...lease, spec: { holderIdentity: OWN, leaseDurationSeconds: 41 } };
    assert.ok(
      isApproved(await node.ask(application("update", keyOf(leases, OWN), { requestBody: JSON.stringify(renewed) }))),
    );
  });

  for (const resource of KINDS)
    await t.test(`${resource.resource}: none of ${attacksOn(resource).length} requests`, async () => {
      for (const attack of attacksOn(resource)) {
        await node.ask(attack);
        assertNothingOfTheVictim(node);
        node.received.length = 0;
      }
      assert.equal(await othersObjects(cloud.api), before);
    });

  for (const resource of KINDS)
    await t.test(`${resource.resource}: no watch, told one by one or as a set`, async () => {
      for (const attack of readsOf("watch", resource)) {
        await node.ask(attack);
        // What a watch brings comes before the answer to the next request.
        await node.ask(application("get", keyOf(nodes, OWN)));
        assertNothingOfTheVictim(node);
      }
      await node.watchAll([ownPods(), ...readsOf("watch", resource)]);
      // Not by a change that comes later either: the node's own pod changes after it.
      for (const [changed, name] of [
        [resource, VICTIM],
        [pods, OWN],
      ] as const) {
        const namespace = namespaceOf(changed);
        const change = { metadata: { annotations: { changed: resource.resource } } };
        const target = { resource: changed, name, ...(namespace ? { namespace } : {}) };
        await cloud.api.patch(target, { type: "merge", body: change });
      }
      const isOwnChange = (text: string): boolean =>
        text.includes('"resource":"default/pod/edge-1"') && text.includes(`"changed":"${resource.resource}"`);
      while (!node.received.some(isOwnChange)) await new Promise((resolve) => setImmediate(resolve));
      assertNothingOfTheVictim(node);
      assert.deepEqual(await node.watchAll([]), []);
      node.received.length = 0;
    });

  await t.test("nor to what would make it more than a node", async () => {
    for (const attack of OTHER_ATTACKS) assert.equal(isApproved(await node.ask(attack)), false, attack.key);
    assertNothingOfTheVictim(node);
  });
  node.close();
});
