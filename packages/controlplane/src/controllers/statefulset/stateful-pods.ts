import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from "@skerry/api";
import { REVISION_HASH } from "../history/revision-history.ts";
import { podFromTemplate } from "../pods/pod-from-template.ts";

const POD_NAME = "statefulset.kubernetes.io/pod-name";
const POD_INDEX = "apps.kubernetes.io/pod-index";

/** The number in a pod's name; undefined when the name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const { name } = pod.metadata;
  const prefix = `${set.metadata.name}-`;
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
}

/** The first ordinal of a set. */
export function firstOrdinal(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

/** Whether the set, as it is now, does not want the pod's ordinal. */
export function isScaledAway(set: StatefulSet, pod: Pod): boolean {
  const [ordinal, start] = [ordinalOf(set, pod), firstOrdinal(set)];
  return ordinal === undefined || ordinal < start || ordinal >= start + (set.spec.replicas ?? 1);
}

/** The pod of an ordinal, of one version of the template. */
export function statefulPod(set: StatefulSet, ordinal: number, template: PodTemplateSpec, revision: string): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podFromTemplate(set, template, name, {
    labels: { [POD_NAME]: name, [POD_INDEX]: String(ordinal), [REVISION_HASH]: revision },
  });
  pod.spec.hostname = name;
  if (set.spec.serviceName) pod.spec.subdomain = set.spec.serviceName;
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
  pod.spec.volumes = [
    ...(pod.spec.volumes ?? []).filter((volume) => !claims.includes(volume.name)),
    ...claims.map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: claimName(claim, name) } })),
  ];
  if (pod.spec.volumes.length === 0) delete pod.spec.volumes;
  return pod;
}

/** The claims that a pod of the set needs; they carry the labels that the set selects by. */
export function claimsOf(set: StatefulSet, podName: string): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...structuredClone(template),
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      ...template.metadata,
      name: claimName(template.metadata.name, podName),
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }));
}

function claimName(template: string, podName: string): string {
  return `${template}-${podName}`;
}
