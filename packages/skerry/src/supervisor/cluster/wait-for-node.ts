import { type Condition, type KubernetesObject, nodes } from "@skerry/api";
import { type Clock, sleep } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { partNotReady } from "../../errors.ts";

interface NodeWithConditions extends KubernetesObject {
  status?: { conditions?: Condition[] };
}

const WAIT_MS = 60_000;

/** Whether the node exists and its condition Ready is True. */
export async function isNodeReady(api: KubernetesApi, name: string): Promise<boolean> {
  try {
    const node = await api.get<NodeWithConditions>({ resource: nodes, name });
    return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  } catch (error) {
    if (isApiError(error, "NotFound")) return false;
    throw error;
  }
}

/** Waits until the node is Ready. Throws SKERRY_PART_NOT_READY. */
export async function waitForNodeReady(api: KubernetesApi, clock: Clock, name: string): Promise<void> {
  const deadlineMs = clock.monotonicMs() + WAIT_MS;
  while (!(await isNodeReady(api, name))) {
    if (clock.monotonicMs() >= deadlineMs)
      throw partNotReady(
        `node ${name}`,
        `it is not Ready after ${WAIT_MS / 1000} s`,
        `logs/edgecore-${name}.log in the home folder (.skerry, or SKERRY_HOME)`,
      );
    await sleep(clock, 100);
  }
}
