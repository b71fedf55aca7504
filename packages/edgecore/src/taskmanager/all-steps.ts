import type { Secret } from "@skerry/api";
import type { Clock } from "@skerry/base";
import type { NodeJobType } from "@skerry/link";
import type { ContainerRuntime } from "../edged/index.ts";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { reasonOf, upgradeUnsupported } from "./errors.ts";
import { imagePrePullSteps } from "./image-pre-pull.ts";
import type { MachineLoad } from "./machine-check.ts";
import type { Steps } from "./steps.ts";

/** What the steps of all kinds of jobs work on. */
export interface StepPorts {
  readonly meta: MetaClient;
  readonly cloudLink: CloudLink;
  readonly runtime: ContainerRuntime | undefined;
  readonly load: MachineLoad;
  readonly clock: Clock;
}

/** How each kind of job is done on this node. */
export function allSteps(ports: StepPorts): Readonly<Record<NodeJobType, Steps>> {
  return {
    imageprepulljob: imagePrePullSteps({
      ...ports,
      secret: (namespace, name, signal) => pullSecret(ports, namespace, name, signal),
    }),
    configupdatejob: {},
    nodeupgradejob: { Check: async () => ({ kind: "failed", reason: reasonOf(upgradeUnsupported()) }) },
  };
}

/**
 * A Secret that no pod of this node refers to is not kept here where that can be helped: KubeEdge's cloud counts what it
 * has answered as held by the node.
 */
function pullSecret(
  { meta, cloudLink }: StepPorts,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Secret> {
  const stored = meta.get<Secret>({ type: "secret", namespace, name });
  if (stored) return Promise.resolve(stored);
  const { state } = cloudLink;
  if (state.kind === "connected" && state.delivery === "skerry")
    return meta.call<Secret>({ operation: "query", resource: `${namespace}/secret/${name}`, content: null }, signal);
  return meta.fetch<Secret>({ type: "secret", namespace, name }, signal);
}
