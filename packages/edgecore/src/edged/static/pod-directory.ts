import { isMirrorPod, type Pod } from "@skerry/api";
import type { MetaStore } from "../../metamanager/meta-store.ts";
import type { PodIdentity } from "../pod/runtime-names.ts";
import { mirroredUid } from "./static-pod.ts";

/** Where a node's pods are said to be: most in what the cloud gave the node, static ones in files of the machine. */
export class PodDirectory {
  readonly #meta: MetaStore;
  readonly #staticPod: (uid: string) => Pod | undefined;

  constructor(meta: MetaStore, staticPod: (uid: string) => Pod | undefined) {
    this.#meta = meta;
    this.#staticPod = staticPod;
  }

  /** The pod as it should run; undefined when it is gone, or when its name belongs to another pod by now. */
  get(identity: PodIdentity): Pod | undefined {
    const own = this.#staticPod(identity.uid);
    if (own) return own;
    const pod = this.#stored(identity);
    return pod?.metadata.uid === identity.uid ? pod : undefined;
  }

  /** The pod as the cloud has it, of a static pod its mirror; undefined while the cloud has none. */
  inCloud(identity: PodIdentity): Pod | undefined {
    if (!this.#staticPod(identity.uid)) return this.get(identity);
    const mirror = this.#stored(identity);
    return mirror && mirroredUid(mirror) === identity.uid ? mirror : undefined;
  }

  /** The static pod that a mirror pod stands for. Whoever may make pods cannot point it at another's. */
  mirroredBy(mirror: Pod): Pod | undefined {
    const pod = isMirrorPod(mirror) ? this.#staticPod(mirroredUid(mirror) ?? "") : undefined;
    const { namespace, name } = mirror.metadata;
    return pod?.metadata.name === name && pod.metadata.namespace === namespace ? pod : undefined;
  }

  #stored({ namespace, name }: PodIdentity): Pod | undefined {
    return this.#meta.get<Pod>({ type: "pod", namespace, name });
  }
}
