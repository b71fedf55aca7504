import { isMirrorPod, type Node, nodes, type Pod, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { referencesOf } from "@skerry/kube";
import { objectContent } from "./content.ts";
import { forbidden } from "./refusals.ts";
import type { UpstreamRequest } from "./request.ts";

/**
 * The Pod object with which a node shows one of its static pods. Because a node may read what its pods refer to, a
 * mirror pod may refer to nothing of the cluster: no Secret, ConfigMap, claim or service account, as the admission of
 * Kubernetes has it too. Its owner is the node's own Node, so that no controller takes it for one of its own.
 * @throws ApiError Forbidden, BadRequest, NotFound when the node is not registered
 */
export async function mirrorPod(api: KubernetesApi, request: UpstreamRequest): Promise<Pod> {
  const { nodeName } = request;
  const pod = objectContent<Pod>(request, pods);
  if (pod.spec?.nodeName !== nodeName || !isMirrorPod(pod))
    throw forbidden(nodeName, "may only create mirror pods bound to itself");
  const foreign = referenceOf(pod);
  if (foreign) throw forbidden(nodeName, `may not create a mirror pod that refers to ${foreign}`);
  const { uid = "" } = (await api.get<Node>({ resource: nodes, name: nodeName })).metadata;
  const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid, controller: true };
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } };
}

/** Something of the cluster that the pod refers to. */
function referenceOf({ spec, ...pod }: Pod): string | undefined {
  if (spec.serviceAccountName || spec.serviceAccount) return "a service account";
  const { secrets, configMaps, persistentVolumeClaims } = referencesOf({ spec, ...pod });
  if (secrets.size > 0) return "a Secret";
  if (configMaps.size > 0) return "a ConfigMap";
  if (persistentVolumeClaims.size > 0) return "a PersistentVolumeClaim";
  for (const volume of spec.volumes ?? []) {
    if ("ephemeral" in volume) return "a claim made for it";
    if (volume.projected?.sources?.some((source) => source.serviceAccountToken)) return "a service account's token";
  }
  return undefined;
}
