import type { Pod } from "@skerry/api";
import { firstFew, humanDuration } from "@skerry/base";
import type { Link, Rule } from "./chain.ts";
import { environmentRules, inputRules, lifeRules, readinessRules, startRules } from "./container-rules.ts";
import { newestEvent, type PodFacts } from "./facts.ts";
import { onNode } from "./node-links.ts";
import { resizeRules } from "./resize-rules.ts";
import { schedulingRules } from "./scheduling-rules.ts";

const exists: Rule<PodFacts> = ({ pod, workload, namespace, name, events }) => {
  if (pod) return undefined;
  const refused = newestEvent(events, "FailedCreate");
  if (refused?.message?.includes("exceeded quota"))
    return {
      code: "WHY_POD_QUOTA",
      found: `the namespace's quota does not allow the pod: ${refused.message}`,
      advice: `Raise it or free some: \`kubectl describe resourcequota -n ${namespace}\`.`,
    };
  if (refused)
    return {
      code: "WHY_POD_NOT_ADMITTED",
      found: `the API server does not admit the pod: ${refused.message ?? ""}`,
      advice: "Correct the pod's template as the message says.",
    };
  if (workload?.replicas === 0)
    return {
      code: "WHY_POD_NONE_WANTED",
      found: `${workload.kind} ${workload.name} asks for no pods: its replicas are 0`,
      advice: `\`kubectl scale ${workload.kind.toLowerCase()} ${workload.name} -n ${namespace} --replicas=1\``,
    };
  if (workload)
    return {
      code: "WHY_POD_NOT_MADE_YET",
      found: `${workload.kind} ${workload.name} has no pod yet`,
      advice: "Look again in a moment; if it stays so, look at the log of the control plane.",
      waits: true,
    };
  return {
    code: "WHY_POD_UNKNOWN",
    found: `there is no pod, Deployment or ReplicaSet ${name} in the namespace ${namespace}`,
    advice: "`kubectl get pods -A` lists the pods; `-n NAMESPACE` names another namespace.",
  };
};

const leaving: Rule<PodFacts> = ({ pod, nowMs, node }) => {
  const { deletionTimestamp, finalizers = [] } = pod?.metadata ?? {};
  if (deletionTimestamp === undefined) return undefined;
  const lateMs = nowMs - Date.parse(deletionTimestamp);
  if (finalizers.length > 0 && hasEnded(pod))
    return {
      code: "WHY_POD_FINALIZER",
      found: `the pod has ended and is kept by its finalizer ${firstFew(finalizers)}`,
      advice:
        "What set the finalizer must remove it: look at that controller. If it is gone for good: `kubectl edit pod`.",
    };
  return {
    code: "WHY_POD_BEING_DELETED",
    found: lateMs > 0 ? `the pod should have ended ${humanDuration(lateMs)} ago` : "the pod is being ended",
    advice:
      lateMs > 0
        ? `Its node must confirm the end: \`skerry why node ${node?.name ?? "NAME"}\`.`
        : "Look again in a moment; what made it may make a new one.",
    waits: lateMs <= 0,
  };
};

/** Whether no container of the pod runs any more. */
function hasEnded(pod: Pod | undefined): boolean {
  const { phase, containerStatuses = [] } = pod?.status ?? {};
  if (phase === "Succeeded" || phase === "Failed") return true;
  return (
    !pod?.spec.nodeName || (containerStatuses.length > 0 && containerStatuses.every(({ state }) => !state?.running))
  );
}

/** From the request to a pod that serves. */
export const podLinks: readonly Link<PodFacts>[] = [
  { title: "asked for", whole: ({ namespace, name }) => `pod ${namespace}/${name} exists`, rules: [exists] },
  { title: "has a node", whole: ({ pod }) => pod?.spec.nodeName ?? "", rules: schedulingRules },
  { title: "node", whole: () => "connected, and able to run pods", rules: [onNode<PodFacts>()] },
  { title: "wanted", whole: () => "nobody deletes it", rules: [leaving] },
  { title: "what it needs", whole: () => "ConfigMaps, Secrets and volumes are there", rules: inputRules },
  { title: "network", whole: ({ pod }) => pod?.status?.podIP ?? "prepared", rules: environmentRules },
  { title: "started", whole: () => "images are there, containers were started", rules: startRules },
  {
    title: "alive",
    whole: ({ pod }) => (pod?.status?.phase === "Succeeded" ? "all containers ended well" : "all containers run"),
    rules: lifeRules,
  },
  { title: "ready", whole: () => "yes", rules: readinessRules },
  { title: "resources", whole: () => "as the pod says", rules: resizeRules },
];
