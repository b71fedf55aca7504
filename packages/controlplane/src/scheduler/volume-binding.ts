import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "@skerry/api";
import { claimNameOf } from "@skerry/kube";
import { isControlledBy } from "../controllers/owner-references.ts";
import { fittingVolumes, isWaitingForConsumer, volumeFitsNode } from "../controllers/volume/volume-matching.ts";
import { NO_PROVISIONER } from "../controllers/volume/volume-names.ts";

/** Where the scheduler finds volumes. */
export interface VolumeSource {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
}

/** What is to be done for a claim once its pod's node is chosen. */
export type ClaimDecision =
  | { readonly kind: "bind"; readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }
  | { readonly kind: "provision"; readonly claim: PersistentVolumeClaim };

/** What the volumes of one pod say about nodes. */
export class VolumeRules {
  readonly #source: VolumeSource;
  readonly #bound: PersistentVolume[] = [];
  readonly #waiting: PersistentVolumeClaim[] = [];
  readonly #fitting = new Map<PersistentVolumeClaim, readonly PersistentVolume[]>();
  /** Why the pod can go nowhere for now; undefined when it can. */
  readonly obstacle: string | undefined;

  constructor(pod: Pod, source: VolumeSource) {
    this.#source = source;
    this.obstacle = this.#sort(pod);
  }

  /** Why the pod's volumes cannot be had on the node. */
  reasonAgainst(node: Node): string | undefined {
    if (this.#bound.some((volume) => !volumeFitsNode(volume, node)))
      return "node(s) didn't match PersistentVolume's node affinity";
    return this.decisions(node) === undefined ? "node(s) didn't find available persistent volumes to bind" : undefined;
  }

  /** Whether claims of the pod still wait for its node to be chosen. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** What is to be done for the pod's claims if it goes to the node; undefined when it cannot be done. */
  decisions(node: Node): ClaimDecision[] | undefined {
    const taken = new Set<string>();
    const decisions: ClaimDecision[] = [];
    for (const claim of this.#waiting) {
      const volume = this.#fittingFor(claim).find(
        (each) => !taken.has(each.metadata.name) && volumeFitsNode(each, node),
      );
      if (volume) {
        taken.add(volume.metadata.name);
        decisions.push({ kind: "bind", claim, volume });
        continue;
      }
      const storageClass = this.#source.storageClass(claim.spec.storageClassName ?? "");
      if (!storageClass || storageClass.provisioner === NO_PROVISIONER) return undefined;
      decisions.push({ kind: "provision", claim });
    }
    return decisions;
  }

  /** The same for each node, so found out once. */
  #fittingFor(claim: PersistentVolumeClaim): readonly PersistentVolume[] {
    const fitting = this.#fitting.get(claim) ?? fittingVolumes(claim, this.#source.volumes());
    this.#fitting.set(claim, fitting);
    return fitting;
  }

  #sort(pod: Pod): string | undefined {
    for (const volume of pod.spec.volumes ?? []) {
      const claimName = claimNameOf(pod, volume);
      if (claimName === undefined) continue;
      const claim = this.#source.claim(pod.metadata.namespace ?? "", claimName);
      if (!claim) return `persistentvolumeclaim "${claimName}" not found`;
      if (volume.ephemeral && !isControlledBy(claim, pod))
        return `persistentvolumeclaim "${claimName}" was not created for the pod`;
      if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${claimName}" is being deleted`;
      if (claim.status?.phase === "Lost")
        return `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ""}"`;
      const bound = claim.status?.phase === "Bound" ? this.#source.volume(claim.spec.volumeName ?? "") : undefined;
      if (bound) this.#bound.push(bound);
      else if (isWaitingForConsumer(claim, this.#source.storageClass(claim.spec.storageClassName ?? "")))
        this.#waiting.push(claim);
      else return "pod has unbound immediate PersistentVolumeClaims";
    }
    return undefined;
  }
}
