import type { ContainerStatus, Job, Pod, PodFailureRule } from "@skerry/api";

/** What a pod's failure means for its Job. */
export type FailureOutcome =
  | { readonly action: "Count" | "Ignore" | "FailIndex" }
  | { readonly action: "FailJob"; readonly message: string };

/** What the Job's pod failure policy says of a failed pod: the first rule that matches, else it counts. */
export function failureOutcome(job: Job, pod: Pod): FailureOutcome {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const what = matchOf(rule, pod);
    if (what === undefined) continue;
    if (rule.action !== "FailJob") return { action: rule.action };
    return { action: "FailJob", message: `${what} matching FailJob rule at index ${index}` };
  }
  return { action: "Count" };
}

/** What of the pod matches, in words. */
function matchOf({ onExitCodes, onPodConditions }: PodFailureRule, pod: Pod): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  if (onExitCodes) {
    const { containerName, operator, values } = onExitCodes;
    for (const { name: container, state } of containerStatuses(pod)) {
      const exitCode = state?.terminated?.exitCode ?? 0;
      if (exitCode === 0 || (containerName !== undefined && containerName !== container)) continue;
      if (values.includes(exitCode) === (operator === "In"))
        return `Container ${container} for pod ${name} failed with exit code ${exitCode}`;
    }
  }
  for (const { type, status = "True" } of onPodConditions ?? []) {
    if (pod.status?.conditions?.some((condition) => condition.type === type && condition.status === status))
      return `Pod ${name} has condition ${type}`;
  }
  return undefined;
}

function containerStatuses({ status }: Pod): ContainerStatus[] {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
}
