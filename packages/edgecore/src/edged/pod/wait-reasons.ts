import type { WaitReason } from "./container-status.ts";
import type { FailedStarts } from "./failed-starts.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PodPlan } from "./pod-plan.ts";
import type { Refusal } from "./pod-preparation.ts";
import type { PodIdentity } from "./runtime-names.ts";

/** What keeps a pod's containers from running. */
export interface Obstacles {
  readonly failedStarts: FailedStarts;
  readonly refusal: Refusal | undefined;
}

/** Why containers wait, by name; what the user should hear of is told. */
export function waitReasons(
  plan: PodPlan,
  pod: PodIdentity,
  { failedStarts, refusal }: Obstacles,
  notices: PodNotices,
): Map<string, WaitReason> {
  const reasons = new Map<string, WaitReason>();
  if (plan.kind === "finished") return reasons;
  for (const { container, delayMs } of plan.waits) {
    const [what, whose] = [`container=${container.name}`, `pod=${pod.name}_${pod.namespace}(${pod.uid})`];
    const message = `back-off ${delayMs / 1000}s restarting failed ${what} ${whose}`;
    reasons.set(container.name, { reason: "CrashLoopBackOff", message });
    notices.container(
      container,
      "Warning",
      "BackOff",
      `Back-off restarting failed container ${container.name} in pod ${pod.name}_${pod.namespace}(${pod.uid})`,
    );
  }
  const starting = plan.starts.map(({ container }) => container.name);
  for (const [name, wait] of failedStarts.reasons(new Set(starting))) reasons.set(name, wait);
  if (refusal === undefined) return reasons;
  const { kind, message } = refusal;
  if (kind === "held") notices.pod("Normal", "HeldUpgrade", message);
  else notices.pod("Warning", "FieldNotSupported", message);
  const reason = kind === "held" ? "HeldUpgrade" : "CreateContainerConfigError";
  for (const name of starting) reasons.set(name, { reason, message });
  return reasons;
}
