/** On a claim: the node on which its volume is to be made. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
/** On a claim: who makes its volume. */
export const STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner";
/** On a claim: it was bound once; without its volume it is lost. */
export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
/** On a claim or a volume: it was bound by the control plane, not by its user. */
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
/** Keeps a claim as long as a pod uses it. */
export const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";
/** Keeps a volume as long as a claim has it. */
export const VOLUME_PROTECTION = "kubernetes.io/pv-protection";
/** Provisioner of storage classes whose volumes somebody makes by hand. */
export const NO_PROVISIONER = "kubernetes.io/no-provisioner";
