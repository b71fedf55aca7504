import { type DaemonSet, daemonSets as daemonSetsResource, type Node, type Pod } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { asJson, jsonEqual, objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { currentHistory, REVISION_HASH, revisionHash, trimHistory } from "../history/revision-history.ts";
import { nextAvailabilityMs } from "../pod-state.ts";
import { claimPods, followPods, ownerKeysOf } from "../pods/claim-pods.ts";
import { PodControl, type PodFailure, UNSEEN_CHECK_MS } from "../pods/pod-control.ts";
import { freshPodName, podFromTemplate } from "../pods/pod-from-template.ts";
import { writeStatus } from "../write-status.ts";
import { daemonTolerations, pinnedTo } from "./daemon-placement.ts";
import { type DaemonNode, daemonNodes, daemonPlan } from "./daemon-plan.ts";
import { daemonSetStatus } from "./daemon-set-status.ts";

/** Most pods created or deleted in one go for one DaemonSet. */
const BURST = 250;
/** A daemon that ends again and again is replaced at most this often. */
const FAILED_RETRY_MS = 15_000;

/** Keeps one pod of each DaemonSet on every node that it is for. */
export class DaemonSetController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #pods: PodControl;
  readonly #queue: WorkQueue;
  /** When (monotonic) an ended daemon of a set was last replaced on a node; by the set's UID and the node's name. */
  readonly #replacedMs = new Map<string, number>();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("daemonset-controller");
    this.#pods = new PodControl(ports, "daemonset-controller");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 2,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { daemonSets, pods, nodes } = this.#informers;
    this.#listening.use(
      daemonSets.listen(({ type, object }) => {
        if (type === "deleted") this.#forget(object);
        this.#queue.add(objectKey(object));
      }),
    );
    this.#listening.use(followPods(pods, this.#pods, (pod) => this.#enqueueOwnersOf(pod)));
    this.#listening.use(
      nodes.listen((event) => {
        if (event.type === "updated" && !matters(event.before, event.object)) return;
        for (const key of daemonSets.cache.keys()) this.#queue.add(key);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#pods[Symbol.asyncDispose]();
  }

  #forget({ metadata }: DaemonSet): void {
    const { uid = "" } = metadata;
    this.#pods.expectations.forget(uid);
    for (const key of this.#replacedMs.keys()) if (key.startsWith(`${uid}/`)) this.#replacedMs.delete(key);
  }

  #enqueueOwnersOf(pod: Pod): void {
    for (const key of ownerKeysOf(pod, "DaemonSet", this.#informers.daemonSets)) this.#queue.add(key);
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#informers.daemonSets.cache.get(key);
    // Its pods are the garbage collector's once it is being deleted.
    if (!set || set.metadata.deletionTimestamp) return;
    const { api, clock } = this.#ports;
    const owned = await claimPods(this.#ports, this.#informers, set, daemonSetsResource, signal);
    const history = await currentHistory(api, this.#informers, set, daemonSetsResource, signal);
    const hash = revisionHash(history.wanted);
    const { uid = "" } = set.metadata;
    const nodes = daemonNodes(set, this.#informers.nodes.cache.list(), owned);
    let failure: PodFailure | undefined;
    if (await this.#pods.isSettled(set, this.#informers.pods.resourceVersion, signal))
      failure = await this.#manage(key, set, nodes, hash, signal);
    else this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    const nowMs = clock.now();
    const status = daemonSetStatus(set, nodes, hash, history.collisionCount, nowMs);
    await writeStatus(api, daemonSetsResource, set, status, signal);
    const usedHashes = new Set([hash, ...owned.map(({ metadata }) => metadata.labels?.[REVISION_HASH] ?? "")]);
    await trimHistory(api, set, history.revisions, (revision) => usedHashes.has(revisionHash(revision)), signal);
    const waitMs = nextAvailabilityMs(owned, set.spec.minReadySeconds, nowMs);
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
    if (this.#pods.expectations.unseenCreations(uid).length > 0) this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    if (failure) throw new Error(failure.message);
  }

  async #manage(
    key: string,
    set: DaemonSet,
    nodes: readonly DaemonNode[],
    hash: string,
    signal: AbortSignal,
  ): Promise<PodFailure | undefined> {
    const { uid = "" } = set.metadata;
    const plan = daemonPlan(set, nodes, hash, this.#ports.clock.now());
    const tooSoon = plan.failed.filter((pod) => !this.#mayReplace(key, set, pod));
    const doomed = plan.delete.filter(
      (pod) => !tooSoon.includes(pod) && !this.#pods.expectations.isBeingDeleted(uid, pod),
    );
    const taken = new Set<string>();
    const created = plan.create
      .slice(0, BURST)
      .map((nodeName) => daemonPod(set, freshPodName(set.metadata.name, this.#ports.random, taken), nodeName, hash));
    return (
      (await this.#pods.deleteAll(set, doomed.slice(0, BURST), signal)) ??
      (await this.#pods.createAll(set, created, signal))
    );
  }

  /** Whether an ended daemon is replaced now; else the set is looked at again later. */
  #mayReplace(key: string, set: DaemonSet, pod: Pod): boolean {
    const place = `${set.metadata.uid ?? ""}/${pod.spec.nodeName ?? ""}`;
    const nowMs = this.#ports.clock.monotonicMs();
    const waitMs = (this.#replacedMs.get(place) ?? Number.NEGATIVE_INFINITY) + FAILED_RETRY_MS - nowMs;
    if (waitMs > 0) {
      this.#queue.addAfter(key, waitMs);
      return false;
    }
    this.#replacedMs.set(place, nowMs);
    const { namespace = "", name } = pod.metadata;
    const what = `Found failed daemon pod ${namespace}/${name} on node ${pod.spec.nodeName ?? ""}, will try to kill it`;
    this.#pods.events.record(set, "Warning", "FailedDaemonPod", what);
    return true;
  }
}

/** A daemon for one node; the scheduler binds it there. */
function daemonPod(set: DaemonSet, name: string, nodeName: string, hash: string): Pod {
  const generation = String(set.metadata.generation ?? 1);
  const pod = podFromTemplate(set, set.spec.template, name, {
    labels: { [REVISION_HASH]: hash, "pod-template-generation": generation },
  });
  pod.spec.tolerations = daemonTolerations(set);
  pod.spec.affinity = pinnedTo(pod.spec.affinity, nodeName);
  return pod;
}

/** Whether a node's change may concern daemons; heartbeats do not. */
function matters(before: Node, after: Node): boolean {
  return (
    !jsonEqual(asJson(before.spec ?? {}), asJson(after.spec ?? {})) ||
    !jsonEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {})
  );
}
