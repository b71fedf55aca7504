import {
  persistentVolumeClaims as claimsResource,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  PROVISIONED_BY,
  pods as podsResource,
  persistentVolumes as volumesResource,
} from "@skerry/api";
import { toKubernetesTime } from "@skerry/base";
import { claimNameOf, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { liveObject } from "../live-object.ts";
import { isPodFinished } from "../pod-state.ts";
import { fittingVolumes, isReservedFor, isWaitingForConsumer } from "./volume-matching.ts";
import {
  CLAIM_PROTECTION,
  NO_PROVISIONER,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  VOLUME_PROTECTION,
} from "./volume-names.ts";
import { VolumeWriter } from "./volume-writer.ts";

const NOTHING_FITS = "no persistent volumes available for this claim and no storage class is set";

/** Binds claims to volumes, tells what becomes of both, and keeps them as long as they are used. */
export class VolumeController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #events: EventRecorder;
  readonly #writer: VolumeWriter;
  /** One at a time, so that no two claims get the same volume. */
  readonly #claims: WorkQueue;
  readonly #volumes: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#events = new EventRecorder(ports, "persistentvolume-controller");
    this.#writer = new VolumeWriter(ports.api);
    const logger = ports.logger.child("persistentvolume-controller");
    this.#claims = new WorkQueue({ ...ports, logger, work: (key, signal) => this.#syncClaim(key, signal) });
    this.#volumes = new WorkQueue({ ...ports, logger, work: (key, signal) => this.#syncVolume(key, signal) });
  }

  start(): void {
    const { persistentVolumeClaims, persistentVolumes, storageClasses, pods } = this.#informers;
    const retryPending = (): void => {
      for (const claim of persistentVolumeClaims.cache.list())
        if (claim.status?.phase !== "Bound") this.#claims.add(objectKey(claim));
    };
    this.#listening.use(
      persistentVolumeClaims.listen(({ object }) => {
        this.#claims.add(objectKey(object));
        for (const { metadata, spec } of persistentVolumes.cache.list())
          if (metadata.name === object.spec.volumeName || spec.claimRef?.name === object.metadata.name)
            this.#volumes.add(metadata.name);
      }),
    );
    this.#listening.use(
      persistentVolumes.listen(({ object }) => {
        this.#volumes.add(object.metadata.name);
        const { namespace = "", name } = object.spec.claimRef ?? {};
        if (name) this.#claims.add(`${namespace}/${name}`);
        retryPending();
      }),
    );
    this.#listening.use(storageClasses.listen(retryPending));
    // A claim that is being deleted goes when its last pod has gone.
    this.#listening.use(
      pods.listen(({ type, object }) => {
        if (type !== "deleted" && !isPodFinished(object)) return;
        for (const volume of object.spec.volumes ?? []) {
          const claim = claimNameOf(object, volume);
          if (claim !== undefined) this.#claims.add(`${object.metadata.namespace ?? ""}/${claim}`);
        }
      }),
    );
    this.#claims.start();
    this.#volumes.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#claims[Symbol.asyncDispose]();
    await this.#volumes[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #syncClaim(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#informers.persistentVolumeClaims.cache.get(key);
    if (!claim) return;
    if (claim.metadata.deletionTimestamp) {
      if (!(await this.#isUsed(claim, signal)))
        await this.#writer.release(claimsResource, claim, CLAIM_PROTECTION, signal);
    } else if (claim.spec.volumeName) await this.#keepBound(claim, claim.spec.volumeName, signal);
    else await this.#find(claim, signal);
  }

  /**
   * Whether a pod that has a node uses the claim; one without a node gets none as long as its claim is being deleted.
   * Asks the API server itself before it says no.
   */
  async #isUsed({ metadata }: PersistentVolumeClaim, signal: AbortSignal): Promise<boolean> {
    const { namespace = "", name } = metadata;
    const uses = (pod: Pod): boolean =>
      !isPodFinished(pod) &&
      Boolean(pod.spec.nodeName) &&
      pod.spec.volumes?.some((volume) => claimNameOf(pod, volume) === name) === true;
    if (this.#informers.pods.cache.byIndex(BY_NAMESPACE, namespace).some(uses)) return true;
    const live = await this.#ports.api.list<Pod>({ resource: podsResource, namespace }, { signal });
    return live.items.some(uses);
  }

  async #keepBound(claim: PersistentVolumeClaim, volumeName: string, signal: AbortSignal): Promise<void> {
    const volume = this.#informers.persistentVolumes.cache.get(volumeName);
    const isOurs = volume !== undefined && (volume.spec.claimRef === undefined || isReservedFor(volume, claim));
    if (isOurs) {
      await this.#writer.bind(claim, volume, signal);
      return;
    }
    const wasBound = claim.status?.phase === "Bound";
    if (!wasBound || (volume === undefined && (await this.#volumeExists(volumeName, signal)))) return;
    const [reason, message] = volume
      ? ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"]
      : ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"];
    await this.#writer.setClaimStatus(claim, { phase: "Lost" }, signal);
    this.#events.record(claim, "Warning", reason, message);
  }

  async #find(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const className = claim.spec.storageClassName ?? "";
    const storageClass = this.#informers.storageClasses.cache.get(className);
    const volumes = this.#informers.persistentVolumes.cache.list();
    const isWaiting = isWaitingForConsumer(claim, storageClass);
    // Where a claim waits for its pod, the scheduler sets the volume aside.
    const candidates = isWaiting ? volumes.filter((volume) => isReservedFor(volume, claim)) : volumes;
    const [volume] = fittingVolumes(claim, candidates);
    if (volume) {
      await this.#writer.bind(claim, volume, signal);
      return;
    }
    const tell = (type: "Normal" | "Warning", reason: string, message: string): void =>
      this.#events.record(claim, type, reason, message);
    if (isWaiting && claim.metadata.annotations?.[SELECTED_NODE] === undefined)
      tell("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
    else if (className !== "" && !storageClass)
      tell("Warning", "ProvisioningFailed", `storageclass.storage.k8s.io "${className}" not found`);
    else if (!storageClass || storageClass.provisioner === NO_PROVISIONER)
      tell("Normal", "FailedBinding", NOTHING_FITS);
    else await this.#provision(claim, storageClass.provisioner, signal);
  }

  async #provision(claim: PersistentVolumeClaim, provisioner: string, signal: AbortSignal): Promise<void> {
    if (claim.metadata.annotations?.[STORAGE_PROVISIONER] !== provisioner)
      await this.#writer.annotateClaim(claim, { [STORAGE_PROVISIONER]: provisioner }, signal);
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    this.#events.record(claim, "Normal", "ExternalProvisioning", message);
  }

  async #syncVolume(name: string, signal: AbortSignal): Promise<void> {
    const volume = this.#informers.persistentVolumes.cache.get(name);
    if (!volume) return;
    const { claimRef } = volume.spec;
    if (volume.metadata.deletionTimestamp) {
      if (volume.status?.phase !== "Bound" || !(await this.#claimOf(volume, signal)))
        await this.#writer.release(volumesResource, volume, VOLUME_PROTECTION, signal);
      return;
    }
    const now = toKubernetesTime(this.#ports.clock.now());
    if (!claimRef?.uid) {
      await this.#writer.setVolumePhase(volume, { phase: "Available" }, now, signal);
      return;
    }
    const claim = await this.#claimOf(volume, signal);
    if (claim) {
      if (claim.spec.volumeName === name) await this.#writer.setVolumePhase(volume, { phase: "Bound" }, now, signal);
      return;
    }
    await this.#reclaim(volume, now, signal);
  }

  /** The claim that has the volume; asks the API server itself before it says that there is none. */
  async #claimOf({ spec }: PersistentVolume, signal: AbortSignal): Promise<PersistentVolumeClaim | undefined> {
    const { namespace = "", name = "", uid } = spec.claimRef ?? {};
    const cached = this.#informers.persistentVolumeClaims.cache.get(`${namespace}/${name}`);
    if (cached?.metadata.uid === uid) return cached;
    const target = { resource: claimsResource, namespace, name };
    const live = await liveObject<PersistentVolumeClaim>(this.#ports.api, target, signal);
    return live?.metadata.uid === uid ? live : undefined;
  }

  async #volumeExists(name: string, signal: AbortSignal): Promise<boolean> {
    return (await liveObject(this.#ports.api, { resource: volumesResource, name }, signal)) !== undefined;
  }

  /** Nobody has the volume any more. Its maker removes it if it is to go; here nothing is ever wiped. */
  async #reclaim(volume: PersistentVolume, now: string, signal: AbortSignal): Promise<void> {
    const isMadeByHand = volume.metadata.annotations?.[PROVISIONED_BY] === undefined;
    if (volume.spec.persistentVolumeReclaimPolicy !== "Delete" || !isMadeByHand) {
      await this.#writer.setVolumePhase(volume, { phase: "Released" }, now, signal);
      return;
    }
    if (volume.status?.phase === "Failed") return;
    const message = `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`;
    await this.#writer.setVolumePhase(volume, { phase: "Failed", message }, now, signal);
    this.#events.record(volume, "Warning", "VolumeFailedDelete", message);
  }
}
