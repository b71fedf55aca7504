import type { Secret } from "@skerry/api";
import type { Clock, Logger } from "@skerry/base";
import type { NodeJobType } from "@skerry/link";
import { configUpdateSteps } from "../configupdates/config-update-steps.ts";
import type { ConfigUpdater } from "../configupdates/config-updater.ts";
import type { ContainerRuntime } from "../edged/index.ts";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { reasonOf, upgradeUnsupported } from "./errors.ts";
import { imagePrePullSteps } from "./image-pre-pull.ts";
import type { MachineLoad } from "./machine-check.ts";
import { OlderTasks } from "./older-tasks.ts";
import type { Steps } from "./steps.ts";
import { TaskManager } from "./task-manager.ts";

/** What jobs of all kinds work on. */
export interface TaskPorts {
  readonly meta: MetaClient;
  readonly cloudLink: CloudLink;
  readonly runtime: ContainerRuntime | undefined;
  /** Undefined where EdgeCore has no configuration file. */
  readonly updater: ConfigUpdater | undefined;
  readonly load: MachineLoad;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What does the jobs of this node, of all kinds. */
export function makeTaskManager(ports: TaskPorts): TaskManager {
  const steps = allSteps(ports);
  const older = new OlderTasks({ ...ports, prePull: steps.imageprepulljob });
  return new TaskManager({ ...ports, steps, older });
}

function allSteps(ports: TaskPorts): Readonly<Record<NodeJobType, Steps>> {
  return {
    imageprepulljob: imagePrePullSteps({
      ...ports,
      secret: (namespace, name, signal) => pullSecret(ports, namespace, name, signal),
    }),
    configupdatejob: configUpdateSteps(ports),
    nodeupgradejob: { Check: async () => ({ kind: "failed", reason: reasonOf(upgradeUnsupported()) }) },
  };
}

/**
 * A Secret that no pod of this node refers to is not kept here where that can be helped: KubeEdge's cloud counts what it
 * has answered as held by the node.
 */
function pullSecret(
  { meta, cloudLink }: TaskPorts,
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
