import assert from "node:assert/strict";
import { events, type KubernetesObject, leases, nodes, pods, type ResourceReference } from "@skerry/api";
import { revokeNode } from "@skerry/cloudcore";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { type Explanation, explain } from "../chain.ts";
import { deviceLinks } from "../device-links.ts";
import type { LocalFacts, ProcessFacts } from "../facts.ts";
import { type FactSources, gatherDevice, gatherNode, gatherPod } from "../gather.ts";
import { nodeLinks } from "../node-links.ts";
import { podLinks } from "../pod-links.ts";

/** The time at which every test plays. */
export const NOW: number = Date.UTC(2026, 0, 31, 8);
/** A time so many seconds later. */
export const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString().replace(".000", "");
export const NODE = "edge-1";
/** What a machine knows of a node that has nothing wrong. */
export const healthy: LocalFacts = {
  isLinkCut: false,
  processes: [{ name: `edgecore ${NODE}`, isRunning: true, reason: "" }],
  certificateEndsMs: NOW + 86_400_000,
  diskFreeShare: 0.5,
};

/** A cluster in memory with one healthy node, and what a fault changes. */
export class World {
  readonly api: MemoryKubernetesApi = new MemoryKubernetesApi({ now: () => NOW });
  local: LocalFacts = healthy;
  cloud: readonly ProcessFacts[] = [{ name: "cloudcore", isRunning: true, reason: "" }];
  #eventCount = 0;

  get sources(): FactSources {
    const [local, cloud] = [async () => this.local, async () => this.cloud];
    return { api: this.api, clock: { now: () => NOW }, local, cloud };
  }

  async add(resource: ResourceReference, object: object): Promise<void> {
    const full = object as KubernetesObject;
    const { namespace } = full.metadata;
    await this.api.create({ resource, ...(namespace ? { namespace } : {}) }, full);
  }

  async node(
    ready = "True",
    change: { spec?: object; conditions?: object[]; message?: string; heard?: number } = {},
  ): Promise<this> {
    const { spec = {}, conditions = [], message = "edge is posting ready status", heard = -5 } = change;
    const condition = { type: "Ready", status: ready, message, lastHeartbeatTime: at(-60) };
    await this.add(nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: NODE, labels: { "kubernetes.io/hostname": NODE } },
      spec,
      status: { conditions: [condition, ...conditions] },
    });
    await this.add(leases, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: NODE, namespace: "kube-node-lease" },
      spec: { renewTime: at(heard) },
    });
    return this;
  }

  async pod(spec: object, status: object, metadata: object = {}): Promise<this> {
    await this.add(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default", creationTimestamp: at(-300), ...metadata },
      spec: { containers: [{ name: "app", image: "app:1" }], ...spec },
      status: { phase: "Pending", startTime: at(-290), ...status },
    });
    return this;
  }

  async event(reason: string, message: string, name = "web"): Promise<this> {
    this.#eventCount++;
    await this.add(events, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.${this.#eventCount}`, namespace: "default" },
      involvedObject: { name },
      reason,
      message,
      lastTimestamp: at(-100 + this.#eventCount),
    });
    return this;
  }

  /** The node of the tests was put out then. */
  async revoked(seconds: number): Promise<this> {
    await revokeNode(this.api, NODE, { nowMs: NOW + seconds * 1000, reason: "stolen" });
    return this;
  }

  async whyPod(name = "web"): Promise<Explanation> {
    const facts = await gatherPod(this.sources, "default", name);
    return explain("pod", podLinks, facts);
  }

  async whyNode(): Promise<Explanation> {
    return explain("node", nodeLinks, await gatherNode(this.sources, NODE));
  }

  async whyDevice(): Promise<Explanation> {
    return explain("device", deviceLinks, await gatherDevice(this.sources, "default", "thermometer"));
  }
}

/** The first step that is not whole. */
function firstBroken({ steps }: Explanation): { title: string; code: string; found: string; advice: string } {
  const step = steps.find(({ state }) => state !== "whole");
  assert.ok(step && "code" in step, JSON.stringify(steps));
  return step;
}

export function assertBroken(explanation: Explanation, title: string, code: string, found: RegExp): void {
  const broken = firstBroken(explanation);
  assert.equal(broken.code, code);
  assert.equal(broken.title, title);
  assert.match(broken.found, found);
  assert.ok(broken.advice.length > 10);
}
