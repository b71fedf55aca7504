import { ensureObject, numberAt, objectAt, textAt } from "../api-object.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { refuseEphemeralContainers, validateEphemeralContainers } from "./ephemeral-containers.ts";
import { applyPodDefaults } from "./pod-defaults.ts";
import { qosClass } from "./pod-qos.ts";
import { validateResize } from "./pod-resize.ts";
import { validatePodSpec, validatePodUpdate } from "./pod-validation.ts";

/** Pods: defaulted and checked as a whole, nearly immutable, deleted gracefully once a node may run them. */
export const podStrategy: KindStrategy = {
  hasStatus: true,
  statusMayChangeMetadata: true,
  tracksGeneration: true,
  returnsDeletedObject: true,
  selectableFields: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  applyDefaults: (pod) => applyPodDefaults(ensureObject(pod, "spec")),
  prepareForCreate(pod) {
    pod["status"] = { phase: "Pending", qosClass: qosClass(objectAt(pod, "spec")) };
  },
  prepareForStatus(next, previous) {
    // As in Kubernetes: who owns a pod is nothing that its node reports.
    const metadata = ensureObject(next, "metadata");
    const { ownerReferences } = objectAt(previous, "metadata");
    if (ownerReferences === undefined) delete metadata["ownerReferences"];
    else metadata["ownerReferences"] = ownerReferences;
    return undefined;
  },
  validate: (pod) => validatePodSpec(objectAt(pod, "spec"), "spec"),
  validateCreate: refuseEphemeralContainers,
  validateUpdate: validatePodUpdate,
  validateEphemeralContainers,
  validateResize,
  gracePeriodSeconds(pod, requested) {
    const spec = objectAt(pod, "spec");
    const phase = textAt(objectAt(pod, "status"), "phase");
    // No node knows the pod, or nothing of it runs any longer: there is nobody to wait for.
    if (textAt(spec, "nodeName") === "" || phase === "Succeeded" || phase === "Failed") return 0;
    if (requested !== undefined) return requested;
    return numberAt(spec, "terminationGracePeriodSeconds") ?? 30;
  },
};
