import { isMirrorPod, type KubernetesObject, type Pod } from "@skerry/api";
import { describeError, sleep } from "@skerry/base";
import type { DeliveryName } from "@skerry/link";
import type { ObjectChange } from "../metamanager/meta-store.ts";
import { ImageProvider } from "./container/image-provider.ts";
import { DevicePlugins } from "./devices/device-plugins.ts";
import { type RememberedPod, rememberedPods } from "./edged-tables.ts";
import { EventRecorder } from "./events.ts";
import { EvictionManager } from "./eviction/eviction-manager.ts";
import { ImageGarbage } from "./images/image-garbage.ts";
import { LogRotator } from "./log-rotator.ts";
import { MachineFacts } from "./node/machine-facts.ts";
import { NodeLease } from "./node/node-lease.ts";
import { NodeReporter } from "./node/node-reporter.ts";
import { shutDownPods } from "./node/node-shutdown.ts";
import { HeldUpgrades } from "./pod/held-upgrades.ts";
import { PodAdmission } from "./pod/pod-admission.ts";
import { PodWorker } from "./pod/pod-worker.ts";
import { PodWorkers } from "./pod/pod-workers.ts";
import {
  isFingerprint,
  nodeLabel,
  type PodIdentity,
  podIdentity,
  podNameLabel,
  podNamespaceLabel,
} from "./pod/runtime-names.ts";
import { StartTurns } from "./pod/start-turns.ts";
import { UserRanges } from "./pod/user-ranges.ts";
import { PodsForServices } from "./pods-for-services.ts";
import { type ListedPod, Relister } from "./relister.ts";
import type { EdgedPorts, PodServices } from "./services.ts";
import { MirrorPods } from "./static/mirror-pods.ts";
import { PodDirectory } from "./static/pod-directory.ts";
import { StaticPods } from "./static/static-pods.ts";
import { ClaimedVolumes } from "./volumes/claimed-volumes.ts";
import { PodVolumes } from "./volumes/pod-volumes.ts";
import { ServiceAccountTokens } from "./volumes/service-account-tokens.ts";

/** Pods that nothing here ever knew are ended only after the cloud had this long to send them (a database was lost). */
const UNKNOWN_PODS_GRACE_MS = 2 * 60_000;
/** What the kubelet says then. */
const SHUTTING_DOWN = "node is shutting down";
/** How long a stop waits for what the runtime is doing. */
const STOP_TIMEOUT_MS = 5000;

/**
 * The edge's kubelet: runs the pods that the store has, reports them and the node. Everything it does follows from the
 * store and the runtime alone, never from whether the cloud is there; containers outlive it and are adopted.
 */
export class Edged implements AsyncDisposable {
  readonly forServices: PodsForServices;
  readonly #ports: EdgedPorts;
  readonly #services: PodServices;
  readonly #workers: PodWorkers;
  readonly #devices: DevicePlugins;
  readonly #staticPods: StaticPods | undefined;
  readonly #mirrorPods: MirrorPods;
  readonly #tokens: ServiceAccountTokens;
  readonly #relister: Relister;
  readonly #reporter: NodeReporter;
  readonly #lease: NodeLease;
  readonly #logRotator: LogRotator;
  readonly #imageGarbage: ImageGarbage;
  readonly #eviction: EvictionManager;
  #remembered = new Map<string, RememberedPod>();
  #subscriptions: Disposable[] = [];
  /** On the monotonic clock: how long the cloud has been there does not change with the time of day. */
  #connectedAtMs: number | undefined;
  #isShuttingDown = false;
  readonly #stopping = new AbortController();
  /** Of the last session. */
  #delivery: DeliveryName | undefined;

  constructor(ports: EdgedPorts) {
    this.#ports = { ...ports, logger: ports.logger.child("edged") };
    const { meta, clock, logger, config, runtime, network, cloudLink, fileSystem, mounts } = this.#ports;
    const machine = new MachineFacts(ports.host, runtime, config);
    this.#workers = new PodWorkers(logger);
    this.#devices = new DevicePlugins(ports.devicePlugins, {
      ...{ meta, clock, logger, fileSystem },
      isActive: (uid) => this.#remembered.has(uid) || this.#workers.get(uid)?.isOver === false,
      changed: () => this.#devicesChanged(),
    });
    const { manifests } = ports;
    this.#staticPods =
      manifests &&
      new StaticPods({ ...this.#ports, nodeName: config.nodeName }, manifests, (uids) => this.#staticPodsChanged(uids));
    this.#mirrorPods = new MirrorPods(this.#ports, () => this.#staticPods?.list() ?? []);
    this.#tokens = new ServiceAccountTokens(this.#ports);
    this.#services = {
      ...this.#ports,
      pods: new PodDirectory(meta, (uid) => this.#staticPods?.get(uid)),
      machine,
      userRanges: new UserRanges(fileSystem, config.maxPods),
      devices: this.#devices,
      admission: new PodAdmission(machine, config.maxPods, () => this.#workers.placed()),
      held: new HeldUpgrades(),
      turns: new StartTurns(clock, ports.startsChanged),
      recorder: new EventRecorder(meta, clock, logger, config.nodeName),
      images: new ImageProvider(runtime, network, cloudLink, clock, config.parallelImagePulls),
      volumes: new PodVolumes({
        files: fileSystem,
        mounts,
        tokens: this.#tokens,
        claims: new ClaimedVolumes(meta, fileSystem),
      }),
      refuses: (pod) => this.#eviction.refuses(pod),
      statusChanged: () => this.forServices.changed(),
    };
    this.forServices = new PodsForServices(this.#services, () => this.#workers);
    this.#relister = new Relister(this.#ports, {
      listed: (pods) => {
        for (const worker of this.#workers)
          if (worker.seenSignature !== (pods.get(worker.identity.uid)?.signature ?? "")) worker.wake();
        for (const pod of pods.values()) if (!this.#workers.has(pod.uid)) this.#considerOrphan(pod);
      },
      availabilityChanged: () => this.#reporter.check(),
    });
    this.#reporter = new NodeReporter(this.#ports, machine, {
      runtimeFailure: () => (this.#isShuttingDown ? SHUTTING_DOWN : this.#relister.failure),
      pressure: () => this.#eviction.conditions,
      devices: () => this.#devices.counts,
      onRegistered: () => this.#lease.renewNow(),
    });
    this.#logRotator = new LogRotator(this.#ports);
    this.#imageGarbage = new ImageGarbage(this.#services, () => this.#workers.namedImages());
    this.#eviction = new EvictionManager(this.#services, {
      pods: () => this.#workers.evictable(),
      reclaimDisk: () => this.#workers.reclaimDisk(() => this.#imageGarbage.reclaimUnused()),
      conditionsChanged: () => this.#reporter.check(),
    });
    this.#lease = new NodeLease(this.#ports, () => this.#reporter.reportNow());
  }

  /** Starts or adopts all pods of the store, then keeps them so. Never waits for the cloud or the runtime. */
  async start(): Promise<void> {
    const { meta, cloudLink, config } = this.#ports;
    this.#remembered = new Map(meta.read(rememberedPods).map((pod) => [pod.uid, pod]));
    this.#subscriptions = [
      meta.onChange((change) => this.#onChange(change)),
      cloudLink.onState((state) => {
        if (state.kind === "connected") this.#onConnected(state.delivery ?? "kubeedge");
        else this.#connectedAtMs = undefined;
      }),
    ];
    await this.#tokens.start();
    await this.#devices.start();
    await this.#staticPods?.start();
    for (const pod of meta.list<Pod>("pod")) this.#ensureWorker(pod);
    // Known from an earlier run, but no longer in the store: deleted, and perhaps not yet ended.
    for (const pod of this.#remembered.values()) if (this.#canTell(pod.uid)) this.#ensureWorkerFor(pod);
    this.#relister.start();
    this.#logRotator.start();
    this.#imageGarbage.start();
    this.#eviction.start();
    const { state } = cloudLink;
    if (state.kind === "connected") this.#onConnected(state.delivery ?? "kubeedge");
    this.#ports.logger.info("Edged started", { node: config.nodeName, pods: this.#workers.size });
  }

  /** Of the container runtime since the start: events that came, and changes of containers that none had told. */
  get runtimeEvents(): Relister["eventCounts"] {
    return this.#relister.eventCounts;
  }

  /** The static pod that a mirror pod stands for. */
  mirroredBy(mirror: Pod): Pod | undefined {
    return this.#services.pods.mirroredBy(mirror);
  }

  /** The node's private key may be another one: what the old one sealed is sealed with it, while the old one is known. */
  nodeKeyChanged(): Promise<void> {
    return this.#tokens.sealAnew();
  }

  /** Lets held pods start: the one of this name, or all of the node. Returns how many were held. */
  releaseHeld(only?: { readonly namespace: string; readonly name: string }): number {
    return this.#workers.releaseHeld(only);
  }

  /**
   * The machine goes down: ends the pods in the times that the configuration gives them; without any it does nothing. New
   * ones do not start, and the Node says so. They start again with the next EdgeCore.
   */
  async shutDown(): Promise<void> {
    const { config, clock, logger } = this.#ports;
    if (config.shutdownGroups.length === 0) return;
    logger.info("The machine goes down; pods are ended", { pods: this.#workers.size });
    this.#isShuttingDown = true;
    this.#reporter.check();
    await shutDownPods(this.#workers, config.shutdownGroups, { clock, logger }, this.#stopping.signal);
  }

  /** Stops working; all containers go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    await this.#staticPods?.[Symbol.asyncDispose]();
    const parts = [
      ...[this.#mirrorPods, this.#relister, this.#logRotator, this.#imageGarbage, this.#eviction],
      ...[this.#reporter, this.#lease, this.#devices, ...this.#workers],
    ];
    const ends = parts.map((part) => part[Symbol.asyncDispose]());
    // A runtime that hangs must not keep EdgeCore from stopping: what is cut off is done again after the start.
    const waiting = new AbortController();
    const timeout = sleep(this.#ports.clock, STOP_TIMEOUT_MS, waiting.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled(ends), timeout]);
    waiting.abort();
  }

  #onConnected(delivery: DeliveryName): void {
    this.#connectedAtMs = this.#ports.clock.monotonicMs();
    // Nobody in the cloud may know what this node holds: what it speaks of and is gone there it is told to delete.
    if (delivery === "kubeedge" && this.#delivery !== delivery)
      for (const worker of this.#workers) worker.reportAgain();
    this.#delivery = delivery;
    this.#reporter.reportNow();
    this.#lease.renewNow();
    this.#mirrorPods.wake();
    for (const worker of this.#workers) worker.retryNow();
  }

  #onChange(change: ObjectChange): void {
    const { type, namespace, name } = change.key;
    switch (type) {
      case "pod": {
        const pod = change.object as KubernetesObject as Pod;
        if (isMirrorPod(pod)) this.#mirrorPods.wake();
        if (change.kind === "stored") this.#ensureWorker(pod);
        // Also the worker of another pod of this name: it may have lost it.
        for (const worker of this.#workers.named(namespace, name)) worker.wake();
        this.forServices.changed();
        return;
      }
      case "configmap":
      case "secret":
        for (const worker of this.#workers) if (worker.uses(type, namespace, name)) worker.objectChanged(type, name);
        return;
      case "node":
        if (name !== this.#ports.config.nodeName) return;
        if (change.kind === "deleted") this.#reporter.nodeDeleted();
        else this.#lease.nodeStored();
        return;
    }
  }

  /** Static pods came or went. */
  #staticPodsChanged(uids: ReadonlySet<string>): void {
    for (const pod of this.#staticPods?.list() ?? []) this.#ensureWorkerFor(podIdentity(pod));
    for (const pod of this.#remembered.values()) this.#ensureWorkerFor(pod);
    for (const uid of uids) this.#workers.get(uid)?.wake();
    this.forServices.changed();
    this.#mirrorPods.wake();
  }

  /** Whether a pod that is not in the store is gone for certain: static pods are not known before their folder is read. */
  #canTell(uid: string): boolean {
    return !isFingerprint(uid) || this.#staticPods === undefined || this.#staticPods.isRead;
  }

  #ensureWorker(pod: Pod): void {
    // What it stands for runs already, and not as containers.
    if (isMirrorPod(pod)) return;
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== this.#ports.config.nodeName) return;
    if (pod.metadata.uid !== undefined) this.#ensureWorkerFor(podIdentity(pod));
  }

  #ensureWorkerFor(identity: PodIdentity): void {
    const { uid, namespace, name } = identity;
    if (this.#workers.has(uid)) return;
    try {
      const worker = new PodWorker(this.#services, { uid, namespace, name }, this.#remembered.get(uid)?.status, () =>
        this.#forgetWorker(uid),
      );
      this.#remembered.delete(uid);
      this.#workers.add(worker);
      if (this.#isShuttingDown) void worker.shutDown(0);
      else worker.wake();
    } catch (error) {
      this.#ports.logger.error("A pod cannot be worked on", {
        pod: `${namespace}/${name}`,
        error: describeError(error),
      });
    }
  }

  #forgetWorker(uid: string): void {
    this.#workers.remove(uid);
    this.#services.held.forget(uid);
    this.#services.admission.forget(uid);
    this.#ports.logger.info("Nothing of the pod is left on this node", { uid });
  }

  /** The Node says what there is now, and who waited for devices may have them. */
  #devicesChanged(): void {
    this.#reporter.check();
    for (const worker of this.#workers) worker.devicesChanged();
  }

  /** A pod of ours in the runtime that neither the store nor Edged's memory knows. */
  #considerOrphan(listed: ListedPod): void {
    const { config, clock, logger } = this.#ports;
    // Another kubelet's containers on the same runtime are none of our business.
    if (listed.labels[nodeLabel] !== config.nodeName) return;
    if (!this.#canTell(listed.uid)) return;
    // Without memory of it, the database is new: the cloud may still send it, and being offline proves nothing.
    const connectedAtMs = this.#connectedAtMs;
    if (connectedAtMs === undefined || clock.monotonicMs() - connectedAtMs < UNKNOWN_PODS_GRACE_MS) return;
    const identity = {
      uid: listed.uid,
      namespace: listed.labels[podNamespaceLabel] ?? "",
      name: listed.labels[podNameLabel] ?? "",
    };
    logger.info("Containers of a pod that the cloud does not know are ended", { ...identity });
    this.#ensureWorkerFor(identity);
  }
}
