import { MIRROR_ANNOTATION, type Node, type Pod } from "@skerry/api";
import { referencesOf } from "@skerry/kube";
import type { ApiObject } from "../registry/api-object.ts";

/** Why a node may not make this pod; undefined when it may: a mirror of one that it runs, with nothing of the cluster in it. */
export function mirrorPodRefusal(nodeName: string, object: ApiObject, node: ApiObject | undefined): string | undefined {
  const pod = object as unknown as Pod; // Its body was decoded as a pod's.
  const who = `node ${JSON.stringify(nodeName)}`;
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] === undefined)
    return `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, ${who} can only create mirror pods`;
  if (pod.spec.nodeName !== nodeName) return `${who} can only create pods with spec.nodeName set to itself`;
  return ownerRefusal(nodeName, pod, node as unknown as Node | undefined) ?? referenceRefusal(who, pod);
}

function ownerRefusal(nodeName: string, { metadata }: Pod, node: Node | undefined): string | undefined {
  const who = `node ${JSON.stringify(nodeName)}`;
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) return `${who} can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== nodeName)
    return `${who} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true) return `${who} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `${who} must not set blockOwnerDeletion on an owner reference`;
  const { uid = "" } = node?.metadata ?? {};
  return owner.uid === uid ? undefined : `node ${nodeName} UID mismatch: expected ${owner.uid} got ${uid}`;
}

/** A pod that refers to something would let the node read it. */
function referenceRefusal(who: string, pod: Pod): string | undefined {
  const { serviceAccount, secrets, configMaps, persistentVolumeClaims } = referencesOf(pod);
  const refusal = (what: string): string => `${who} can not create pods that reference ${what}`;
  if (serviceAccount !== "") return refusal("a service account");
  if (secrets.size > 0) return refusal("secrets");
  if (configMaps.size > 0) return refusal("configmaps");
  return persistentVolumeClaims.size > 0 ? refusal("persistentvolumeclaims") : undefined;
}
