import { nodes } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { BYTE_BUDGET_ANNOTATION, ipBytes } from "@skerry/link";
import type { CloudHub } from "./cloud-hub.ts";
import type { LinkBudgetTrace } from "./link-trace.ts";

const CONDITION = "LinkByteBudgetSpent";
const DAY_MS = 24 * 60 * 60_000;

/** How a node's byte budget stands; undefined when it has none, or its Node cannot be read. */
export async function budgetTrace(
  api: Pick<KubernetesApi, "get">,
  cloudHub: Pick<CloudHub, "trace">,
  nodeName: string,
): Promise<LinkBudgetTrace | undefined> {
  const node = await api.get({ resource: nodes, name: nodeName }).catch(() => undefined);
  const annotation = node?.metadata.annotations?.[BYTE_BUDGET_ANNOTATION];
  if (!node || annotation === undefined) return undefined;
  const { rows } = cloudHub.trace(nodeName, DAY_MS).traffic;
  const lastDayBytes = rows.reduce((sum, { messages, bytes }) => sum + ipBytes(messages, bytes), 0);
  return { annotation, condition: conditionOf(node), lastDayBytes };
}

function conditionOf(node: object): string {
  const status = "status" in node && isJsonObject(node.status) ? node.status : {};
  const conditions = Array.isArray(status["conditions"]) ? status["conditions"].filter(isJsonObject) : [];
  const condition = conditions.find(({ type }) => type === CONDITION);
  return condition ? `${condition["reason"]}: ${condition["message"]}` : "not reported yet";
}
