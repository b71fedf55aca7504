import type { Rule } from "./chain.ts";
import { conditionOf, type PodFacts } from "./facts.ts";

const RESIZE = "`kubectl patch pod NAME --subresource=resize`";

const noRoom: Rule<PodFacts> = ({ pod }) => {
  const condition = conditionOf(pod, "PodResizePending");
  if (condition?.status !== "True" || !isAlive(pod)) return undefined;
  const isNever = condition.reason === "Infeasible";
  return {
    code: "WHY_POD_RESIZE_PENDING",
    found: `the pod keeps the resources it had: ${condition.message ?? ""}`,
    advice: isNever
      ? `Ask for less (${RESIZE}), or give the pod a larger node.`
      : `It gets them when others leave room; end some (\`kubectl describe node\` lists their requests), or ask for less (${RESIZE}).`,
  };
};

const refused: Rule<PodFacts> = ({ pod }) => {
  const condition = conditionOf(pod, "PodResizeInProgress");
  if (condition?.status !== "True" || condition.reason !== "Error" || !isAlive(pod)) return undefined;
  return {
    code: "WHY_POD_RESIZE_REFUSED",
    found: `the runtime refuses the pod's new resources: ${condition.message ?? ""}`,
    advice: `It is tried again; a limit of memory below what is used now cannot be set: ask for more (${RESIZE}).`,
  };
};

function isAlive(pod: PodFacts["pod"]): boolean {
  return pod?.status?.phase === "Running" || pod?.status?.phase === "Pending";
}

/** Having the resources that were asked for while it runs. */
export const resizeRules: readonly Rule<PodFacts>[] = [noRoom, refused];
