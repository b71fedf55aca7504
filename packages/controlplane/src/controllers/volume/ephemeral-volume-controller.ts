import {
  persistentVolumeClaims as claimsResource,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from "@skerry/api";
import { describeError } from "@skerry/base";
import { claimNameOf, isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { BY_EPHEMERAL_CLAIM, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { controllerReference, isControlledBy } from "../owner-references.ts";
import { isPodFinished } from "../pod-state.ts";

/** Makes the claims of pods' ephemeral volumes; they belong to their pods and go with them. */
export class EphemeralVolumeController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #events: EventRecorder;
  readonly #pods: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#events = new EventRecorder(ports, "ephemeral_volume");
    const logger = ports.logger.child("ephemeral-volume-controller");
    this.#pods = new WorkQueue({ ...ports, logger, work: (key, signal) => this.#sync(key, signal) });
  }

  start(): void {
    const { pods, persistentVolumeClaims } = this.#informers;
    this.#listening.use(
      pods.listen(({ type, object }) => {
        if (type !== "deleted" && object.spec.volumes?.some(({ ephemeral }) => ephemeral))
          this.#pods.add(objectKey(object));
      }),
    );
    // A claim that somebody has deleted is made again as long as its pod is there, and one that was in its way is no more.
    this.#listening.use(
      persistentVolumeClaims.listen(({ type, object }) => {
        if (type !== "deleted") return;
        for (const pod of pods.cache.byIndex(BY_EPHEMERAL_CLAIM, objectKey(object))) this.#pods.add(objectKey(pod));
      }),
    );
    this.#pods.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#pods[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#informers.pods.cache.get(key);
    if (!pod || pod.metadata.deletionTimestamp || isPodFinished(pod)) return;
    for (const volume of pod.spec.volumes ?? []) if (volume.ephemeral) await this.#ensure(pod, volume, signal);
  }

  async #ensure(pod: Pod, volume: Volume, signal: AbortSignal): Promise<void> {
    const template = volume.ephemeral?.volumeClaimTemplate;
    const name = claimNameOf(pod, volume);
    if (!template || name === undefined) return;
    const { namespace = "" } = pod.metadata;
    const existing = this.#informers.persistentVolumeClaims.cache.get(`${namespace}/${name}`);
    if (existing) {
      if (!isControlledBy(existing, pod))
        this.#fail(pod, volume, `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name}`);
      return;
    }
    const { labels, annotations } = template.metadata ?? {};
    const claim: PersistentVolumeClaim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name,
        ownerReferences: [controllerReference(pod)],
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
      },
      spec: template.spec,
    };
    try {
      await this.#ports.api.create({ resource: claimsResource, namespace }, claim, { signal });
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) this.#fail(pod, volume, describeError(error));
      throw error;
    }
  }

  #fail(pod: Pod, { name }: Volume, why: string): void {
    this.#events.record(pod, "Warning", "ClaimCreationFailed", `ephemeral volume "${name}": ${why}`);
  }
}
