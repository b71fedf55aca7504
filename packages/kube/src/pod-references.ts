import { type Container, isMirrorPod, type Pod, type Volume } from "@skerry/api";

/** Names, in the pod's namespace, of what a pod needs to run. */
export interface PodReferences {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly persistentVolumeClaims: ReadonlySet<string>;
  /** Empty for a mirror pod, which runs under none. */
  readonly serviceAccount: string;
}

/**
 * Everything a pod refers to: volumes (projected ones too), `env`, `envFrom`, image pull secrets; init and ephemeral
 * containers are inspected as well (KubeEdge leaves them out: wire.md W36).
 */
export function referencesOf(pod: Pod): PodReferences {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const persistentVolumeClaims = new Set<string>();
  for (const volume of pod.spec.volumes ?? []) {
    addVolume(volume, configMaps, secrets);
    const claim = claimNameOf(pod, volume);
    if (claim !== undefined) persistentVolumeClaims.add(claim);
  }
  for (const container of containersOf(pod)) addContainer(container, configMaps, secrets);
  for (const secret of pod.spec.imagePullSecrets ?? []) secrets.add(secret.name);
  const serviceAccount = pod.spec.serviceAccountName ?? pod.spec.serviceAccount ?? defaultServiceAccount(pod);
  return { configMaps, secrets, persistentVolumeClaims, serviceAccount };
}

/** The name of the claim that the volume is had by; undefined for other volumes. */
export function claimNameOf({ metadata }: Pod, volume: Volume): string | undefined {
  // The claim that the control plane makes for the volume is named after it and the pod.
  return volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${metadata.name}-${volume.name}`);
}

function defaultServiceAccount(pod: Pod): string {
  return isMirrorPod(pod) ? "" : "default";
}

function containersOf(pod: Pod): Container[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec;
  return [...initContainers, ...containers, ...ephemeralContainers];
}

function addVolume(volume: Volume, configMaps: Set<string>, secrets: Set<string>): void {
  if (volume.configMap) configMaps.add(volume.configMap.name);
  if (volume.secret) secrets.add(volume.secret.secretName);
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) configMaps.add(source.configMap.name);
    if (source.secret) secrets.add(source.secret.name);
  }
}

function addContainer(container: Container, configMaps: Set<string>, secrets: Set<string>): void {
  for (const source of container.envFrom ?? []) {
    if (source.configMapRef) configMaps.add(source.configMapRef.name);
    if (source.secretRef) secrets.add(source.secretRef.name);
  }
  for (const variable of container.env ?? []) {
    const from = variable.valueFrom;
    if (from?.configMapKeyRef) configMaps.add(from.configMapKeyRef.name);
    if (from?.secretKeyRef) secrets.add(from.secretKeyRef.name);
  }
}
