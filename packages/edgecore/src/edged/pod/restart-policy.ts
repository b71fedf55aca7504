import type { Container, Pod } from "@skerry/api";

/** A container of `initContainers` that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/** Whether a container that ended with this code is started again: its own rules, then its own policy, then the pod's. */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  if (followsRule(container, exitCode)) return true;
  switch (container.restartPolicy ?? pod.spec.restartPolicy ?? "Always") {
    case "Always":
      return true;
    case "OnFailure":
      return exitCode !== 0;
    case "Never":
      return false;
  }
}

function followsRule({ restartPolicyRules = [] }: Container, exitCode: number): boolean {
  return restartPolicyRules.some(({ action, exitCodes }) => {
    if (action !== "Restart" || !exitCodes) return false;
    const { operator, values = [] } = exitCodes;
    return values.includes(exitCode) === (operator === "In");
  });
}
