import type { Container, Pod, Quantity } from "@skerry/api";
import { quantityToNumber } from "@skerry/kube";

/** What a pod uses of the node's disk. */
export interface LocalStorageUse {
  /** Of each emptyDir on disk, by volume name. */
  readonly emptyDirBytes: ReadonlyMap<string, number>;
  /** Writable layer and logs, by container name. */
  readonly containerBytes: ReadonlyMap<string, number>;
}

/** The pod's emptyDirs on disk. One in memory has its limit from the kernel. */
export function emptyDirsOnDisk(pod: Pod): { readonly name: string; readonly sizeLimit: Quantity | undefined }[] {
  return (pod.spec.volumes ?? [])
    .filter(({ emptyDir }) => emptyDir !== undefined && emptyDir !== null && emptyDir.medium !== "Memory")
    .map(({ name, emptyDir }) => ({ name, sizeLimit: emptyDir?.sizeLimit }));
}

/** Whether anything limits what the pod may use of the disk. */
export function hasStorageLimits(pod: Pod): boolean {
  return emptyDirsOnDisk(pod).some(({ sizeLimit }) => sizeLimit !== undefined) || limitsContainers(pod);
}

/** Whether a container's disk use has to be known for that. */
export function limitsContainers(pod: Pod): boolean {
  return pod.spec.containers.some((container) => storageLimit(container) !== undefined);
}

/** Why the pod is evicted, in the kubelet's words; undefined while it keeps to its limits. */
export function exceededStorageLimit(pod: Pod, use: LocalStorageUse): string | undefined {
  for (const { name, sizeLimit } of emptyDirsOnDisk(pod))
    if (sizeLimit !== undefined && (use.emptyDirBytes.get(name) ?? 0) > quantityToNumber(sizeLimit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${sizeLimit}". `;
  const total = podStorageLimit(pod);
  const used = [...use.containerBytes.values(), ...use.emptyDirBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (total !== undefined && used > total.bytes)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total.text}. `;
  for (const container of pod.spec.containers) {
    const limit = storageLimit(container);
    if (limit !== undefined && (use.containerBytes.get(container.name) ?? 0) > quantityToNumber(limit))
      return `Container ${container.name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}

/** Only where each container has one is there one for all. */
function podStorageLimit(pod: Pod): { readonly bytes: number; readonly text: string } | undefined {
  const limits = pod.spec.containers.map(storageLimit);
  if (limits.some((limit) => limit === undefined)) return undefined;
  const [single] = limits;
  const bytes = limits.reduce<number>((sum, limit) => sum + quantityToNumber(limit ?? 0), 0);
  return { bytes, text: limits.length === 1 ? String(single) : String(bytes) };
}

function storageLimit({ resources }: Container): Quantity | undefined {
  return resources?.limits?.["ephemeral-storage"];
}
