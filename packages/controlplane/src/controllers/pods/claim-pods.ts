import {
  type KubernetesObject,
  type LabelSelector,
  type Pod,
  pods as podsResource,
  type ResourceReference,
} from "@skerry/api";
import { type Informer, labelSelectorPredicate, objectKey } from "@skerry/kube";
import { claimObjects } from "../claim.ts";
import { BY_CONTROLLER, BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { ControllerPorts } from "../controller-ports.ts";
import { controllerOf } from "../owner-references.ts";
import { isPodActive } from "../pod-state.ts";
import type { PodControl } from "./pod-control.ts";

/** Something that has pods by a selector. */
export interface PodOwner extends KubernetesObject {
  readonly spec: { readonly selector?: LabelSelector };
}

/** The owner's pods; it adopts orphans that its selector matches and releases pods that it no longer matches. */
export function claimPods(
  { api }: Pick<ControllerPorts, "api">,
  { pods }: Pick<ClusterInformers, "pods">,
  owner: PodOwner,
  ownerResource: ResourceReference,
  signal: AbortSignal,
): Promise<Pod[]> {
  const matches = labelSelectorPredicate(owner.spec.selector);
  const { namespace = "", uid = "" } = owner.metadata;
  const orphans = pods.cache.byIndex(BY_NAMESPACE, namespace).filter((pod) => !controllerOf(pod) && isPodActive(pod));
  return claimObjects([...pods.cache.byIndex(BY_CONTROLLER, uid), ...orphans], {
    api,
    owner,
    resource: podsResource,
    ownerResource,
    matches: (pod) => matches(pod.metadata.labels),
    signal,
  });
}

/** Keys of the owners of a kind that a pod belongs to, or could be adopted by. */
export function ownerKeysOf<T extends PodOwner>(pod: Pod, kind: string, owners: Informer<T>): string[] {
  const { namespace = "" } = pod.metadata;
  const controller = controllerOf(pod);
  if (controller) return controller.kind === kind ? [`${namespace}/${controller.name}`] : [];
  return owners.cache
    .byIndex(BY_NAMESPACE, namespace)
    .filter((owner) => labelSelectorPredicate(owner.spec.selector)(pod.metadata.labels))
    .map(objectKey);
}

/** Tells `control` of each change of a pod, and `enqueue` of the pod; of what it was, too, when its owner is another now. */
export function followPods(pods: Informer<Pod>, control: PodControl, enqueue: (pod: Pod) => void): Disposable {
  return pods.listen((event) => {
    control.observe(event.object, event.type === "deleted");
    enqueue(event.object);
    if (event.type === "updated" && controllerOf(event.before)?.uid !== controllerOf(event.object)?.uid)
      enqueue(event.before);
  });
}
