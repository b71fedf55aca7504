import type { KubernetesObject } from "../kubernetes/meta.ts";

/**
 * reliablesyncs.kubeedge.io/v1alpha1 ObjectSync or ClusterObjectSync: which version of an object a node has
 * acknowledged. Named `<nodeName>.<uid of the object>` (wire.md 8.1).
 */
export interface ObjectSync extends KubernetesObject {
  spec?: {
    /** e.g. `v1`, `devices.kubeedge.io/v1beta1` */
    objectAPIVersion?: string;
    objectKind?: string;
    objectName?: string;
  };
  status?: {
    /** Version last acknowledged; `0` or absent: none yet. */
    objectResourceVersion?: string;
  };
}
