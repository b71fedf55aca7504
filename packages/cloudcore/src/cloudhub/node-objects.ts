/** A namespaced object's name. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Which objects belong to which node, from the controllers' caches; CloudHub decides by it what a node may read and
 * write. Everything answers from memory. A cache that lags may answer false for a moment: the node then asks again.
 */
export interface NodeObjects {
  /**
   * Whether the node may speak of the pod: it is bound to the node (`spec.nodeName`), or was until it was deleted a
   * moment ago, or no pod of that name is known. A node that still runs such a pod must hear that it is gone; the handlers
   * look at the API server itself before they act on it.
   */
  ownsPod(nodeName: string, pod: ObjectName): boolean;
  /** Whether a pod of the node refers to the ConfigMap, by volume, env, envFrom, projection; init containers too. */
  mayReadConfigMap(nodeName: string, configMap: ObjectName): boolean;
  /**
   * Whether a pod of the node refers to the Secret, by volume, env, envFrom, projection or as image pull secret, or a job
   * lets the node pull images with it now.
   */
  mayReadSecret(nodeName: string, secret: ObjectName): boolean;
  /** Whether a pod of the node runs under the ServiceAccount. */
  mayUseServiceAccount(nodeName: string, serviceAccount: ObjectName): boolean;
  /** Whether a pod of the node mounts the claim. */
  mayReadPersistentVolumeClaim(nodeName: string, claim: ObjectName): boolean;
  /** Whether a claim that {@link mayReadPersistentVolumeClaim} allows is bound to the volume. */
  mayReadPersistentVolume(nodeName: string, volumeName: string): boolean;
  /** Whether the device is bound to the node (`spec.nodeName`). */
  ownsDevice(nodeName: string, device: ObjectName): boolean;
  /** Where the Node says that its session is (annotation `cloudcore`); left out, or undefined: that is not known. */
  sessionAddressOf?(nodeName: string): string | undefined;
}
