import type { Clock } from "@skerry/base";
import type { NodeObjects, ObjectName } from "../cloudhub/node-objects.ts";
import type { PodIndex } from "./pod-index.ts";

/** What {@link NodePermissions} looks at. */
export interface NodePermissionsOptions {
  readonly podIndex: PodIndex;
  readonly podExists: (namespace: string, name: string) => boolean;
  readonly ownsDevice: (nodeName: string, namespace: string, name: string) => boolean;
  /** Whether a job lets the node pull images with the Secret now. @default never */
  readonly mayPullWith?: (nodeName: string, secret: ObjectName) => boolean;
  /** Where the Node says that its session is. @default not known */
  readonly sessionAddressOf?: (nodeName: string) => string | undefined;
  readonly clock: Clock;
}

/** How long a node may still speak of a pod that was deleted, in milliseconds. */
const DELETED_POD_MS = 600_000;
/** Deleted pods, and volumes, remembered at most; the oldest is forgotten first. */
const MEMORY_LIMIT = 10_000;

/** Which objects a node may read and write, from the caches. */
export class NodePermissions implements NodeObjects {
  readonly #options: NodePermissionsOptions;
  readonly #deletedPods = new Map<string, number>();
  readonly #readVolumes = new Map<string, true>();

  constructor(options: NodePermissionsOptions) {
    this.#options = options;
  }

  /** A pod of the node was deleted: its last status may still be on the way. */
  podDeleted(nodeName: string, pod: ObjectName): void {
    remember(this.#deletedPods, keyOf(nodeName, pod), this.#options.clock.monotonicMs());
  }

  /** The node was given a claim that is bound to this volume. */
  claimRead(nodeName: string, volumeName: string): void {
    remember(this.#readVolumes, `${nodeName} ${volumeName}`, true);
  }

  sessionAddressOf(nodeName: string): string | undefined {
    return this.#options.sessionAddressOf?.(nodeName);
  }

  ownsPod(nodeName: string, pod: ObjectName): boolean {
    if (this.#options.podIndex.get(nodeName, pod.namespace, pod.name)) return true;
    return this.#hadPod(nodeName, pod) || !this.#options.podExists(pod.namespace, pod.name);
  }

  /** Whether the pod is bound to the node, or was until a moment ago and no other node's has its name now. */
  hasPod(nodeName: string, pod: ObjectName): boolean {
    if (this.#options.podIndex.get(nodeName, pod.namespace, pod.name)) return true;
    return this.#hadPod(nodeName, pod) && !this.#options.podExists(pod.namespace, pod.name);
  }

  #hadPod(nodeName: string, pod: ObjectName): boolean {
    const deletedAtMs = this.#deletedPods.get(keyOf(nodeName, pod));
    return deletedAtMs !== undefined && this.#options.clock.monotonicMs() - deletedAtMs < DELETED_POD_MS;
  }

  mayReadConfigMap(nodeName: string, configMap: ObjectName): boolean {
    return this.#options.podIndex.isUsedBy(nodeName, "configMaps", configMap.namespace, configMap.name);
  }

  mayReadSecret(nodeName: string, secret: ObjectName): boolean {
    if (this.#options.podIndex.isUsedBy(nodeName, "secrets", secret.namespace, secret.name)) return true;
    return this.#options.mayPullWith?.(nodeName, secret) === true;
  }

  mayUseServiceAccount(nodeName: string, serviceAccount: ObjectName): boolean {
    for (const pod of this.#options.podIndex.podsOf(nodeName))
      if (pod.namespace === serviceAccount.namespace && pod.references.serviceAccount === serviceAccount.name)
        return true;
    return false;
  }

  mayReadPersistentVolumeClaim(nodeName: string, claim: ObjectName): boolean {
    return this.#options.podIndex.isUsedBy(nodeName, "persistentVolumeClaims", claim.namespace, claim.name);
  }

  /** An edge reads the claim first: that names the volume. */
  mayReadPersistentVolume(nodeName: string, volumeName: string): boolean {
    return this.#readVolumes.has(`${nodeName} ${volumeName}`);
  }

  ownsDevice(nodeName: string, device: ObjectName): boolean {
    return this.#options.ownsDevice(nodeName, device.namespace, device.name);
  }
}

function keyOf(nodeName: string, { namespace, name }: ObjectName): string {
  return `${nodeName} ${namespace}/${name}`;
}

function remember<V>(memory: Map<string, V>, key: string, value: V): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= MEMORY_LIMIT) return;
  const [oldest] = memory.keys();
  if (oldest !== undefined) memory.delete(oldest);
}
