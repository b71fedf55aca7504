import type { Pod, Taint, Toleration } from "@skerry/api";
import { firstFew } from "@skerry/base";
import type { Rule } from "./chain.ts";
import { missing, unbound } from "./container-rules.ts";
import { conditionOf, newestEvent, type PodFacts } from "./facts.ts";

const DEFAULT_SCHEDULER = "default-scheduler";

/** What the scheduler says of the pod; undefined when it has a node. */
function refusalOf({ pod, events }: PodFacts): string | undefined {
  if (!pod || pod.spec.nodeName) return undefined;
  const condition = conditionOf(pod, "PodScheduled");
  return condition?.status === "False"
    ? (condition.message ?? "")
    : (newestEvent(events, "FailedScheduling")?.message ?? "");
}

const selector: Rule<PodFacts> = (facts) => {
  const refusal = refusalOf(facts);
  const { nodeSelector = {} } = facts.pod?.spec ?? {};
  if (refusal === undefined || !/node affinity\/selector|node selector/.test(refusal)) return undefined;
  const wanted = Object.entries(nodeSelector);
  const unmet = wanted.filter(
    ([name, value]) => !facts.nodes.some(({ metadata }) => metadata.labels?.[name] === value),
  );
  const labels = (unmet.length > 0 ? unmet : wanted).map(([name, value]) => `${name}=${value}`);
  return {
    code: "WHY_POD_SELECTOR",
    found:
      labels.length === 0
        ? `no node fits the pod's node affinity: ${firstFew(affinityTerms(facts.pod))}`
        : `no node has ${firstFew(labels)}, which the pod's nodeSelector asks for`,
    advice:
      "Compare with `kubectl get nodes --show-labels`; label the node (`kubectl label node NAME key=value`) or correct the pod's nodeSelector.",
  };
};

const taint: Rule<PodFacts> = (facts) => {
  const refusal = refusalOf(facts);
  const [, named] = /untolerated taint \{([^}]*)\}/.exec(refusal ?? "") ?? [];
  if (named === undefined) return undefined;
  const [key = ""] = named.split(":");
  const { tolerations = [] } = facts.pod?.spec ?? {};
  const found = facts.nodes.flatMap(({ metadata, spec }) =>
    (spec?.taints ?? []).flatMap((each) =>
      tolerates(tolerations, each) ? [] : [{ node: metadata.name, taint: each }],
    ),
  );
  const offline = found.find(({ taint: { key: its } }) => its.startsWith("node.kubernetes.io/unreachable"));
  if (key === "node.kubernetes.io/unschedulable")
    return {
      code: "WHY_POD_NODE_CORDONED",
      found: "the node that would fit takes no new pods: it is cordoned",
      advice: `\`kubectl uncordon ${found[0]?.node ?? "NODE"}\``,
    };
  if (/^node\.kubernetes\.io\/(not-ready|unreachable)$/.test(key))
    return {
      code: "WHY_POD_NODE_NOT_READY",
      found: `the node that would fit is ${offline ? "offline" : "not ready"}${found[0] ? ` (${found[0].node})` : ""}`,
      advice: `\`skerry why node ${found[0]?.node ?? "NAME"}\` says why.`,
    };
  const shown = found.map(
    ({ node, taint: each }) => `${each.key}${each.value ? `=${each.value}` : ""}:${each.effect} on ${node}`,
  );
  return {
    code: "WHY_POD_TAINT",
    found: `the nodes that would fit keep the pod away by a taint: ${shown.length > 0 ? firstFew(shown) : named}`,
    advice: `Give the pod a toleration for it, or remove it: \`kubectl taint node ${found[0]?.node ?? "NODE"} ${key}-\`.`,
  };
};

const resources: Rule<PodFacts> = (facts) => {
  const refusal = refusalOf(facts) ?? "";
  const names = [...refusal.matchAll(/Insufficient ([\w./-]*\w)/g)].map(([, name]) => name ?? "");
  if (names.length === 0 && !refusal.includes("Too many pods")) return undefined;
  return {
    code: "WHY_POD_RESOURCES",
    found:
      names.length > 0
        ? `no node has enough ${firstFew([...new Set(names)])} left for what the pod requests`
        : "every node has as many pods as it may have",
    advice:
      "Request less (`resources.requests`), end other pods, or add a node; `kubectl describe node` shows what is used.",
  };
};

const ports: Rule<PodFacts> = (facts) => {
  if (!/free ports/.test(refusalOf(facts) ?? "")) return undefined;
  const { hostNetwork, containers = [] } = facts.pod?.spec ?? {};
  const wanted = containers.flatMap(({ ports: own = [] }) =>
    own.flatMap(({ hostPort, containerPort }) => hostPort ?? (hostNetwork ? containerPort : [])),
  );
  return {
    code: "WHY_POD_PORT_TAKEN",
    found: `another pod has the hostPort ${firstFew(wanted.map(String))} on every node that would fit`,
    advice: "Use another hostPort, or end the pod that has it (`kubectl get pods -A -o wide`).",
  };
};

const affinity: Rule<PodFacts> = (facts) => {
  const [kind] = /pod (anti-)?affinity( rules)?/.exec(refusalOf(facts) ?? "") ?? [];
  return kind === undefined
    ? undefined
    : {
        code: "WHY_POD_AFFINITY",
        found: `no node fits the pod's required ${kind.replace(" rules", "")}: which pods run there already decides`,
        advice:
          "Compare spec.affinity with the labels of the other pods (`kubectl get pods --show-labels -o wide`); make it preferred instead of required, or add a node.",
      };
};

/** The scheduler gives a pod no node before its claims can have their volumes there. */
const claims: Rule<PodFacts> = (facts) =>
  /persistentvolumeclaim/i.test(refusalOf(facts) ?? "") ? (missing(facts) ?? unbound(facts)) : undefined;

/** Pods that no scheduler looks at, by their own wish. */
const unscheduled: Rule<PodFacts> = (facts) => {
  const refusal = refusalOf(facts);
  if (refusal === undefined) return undefined;
  const { schedulerName = DEFAULT_SCHEDULER, schedulingGates = [] } = facts.pod?.spec ?? {};
  if (schedulingGates.length > 0)
    return {
      code: "WHY_POD_GATED",
      found: `the pod waits at its scheduling gate ${firstFew(schedulingGates.map(({ name }) => name))}`,
      advice: "What set the gate must remove it (spec.schedulingGates): look at that controller.",
    };
  if (schedulerName === DEFAULT_SCHEDULER || refusal !== "") return undefined;
  return {
    code: "WHY_POD_SCHEDULER_UNKNOWN",
    found: `no scheduler ${schedulerName} has looked at the pod`,
    advice: `Start that scheduler, or leave spec.schedulerName out (it is ${DEFAULT_SCHEDULER} then).`,
  };
};

const noNodes: Rule<PodFacts> = (facts) =>
  refusalOf(facts) !== undefined && facts.nodes.length === 0
    ? {
        code: "WHY_POD_NO_NODES",
        found: "there is no node at all",
        advice: "Start one (`skerry up`), or join one (`skerry token`, `skerry join`).",
      }
    : undefined;

const otherwise: Rule<PodFacts> = (facts) => {
  const refusal = refusalOf(facts);
  if (refusal === undefined) return undefined;
  if (refusal === "")
    return {
      code: "WHY_POD_NOT_SCHEDULED_YET",
      found: "the scheduler has not looked at the pod yet",
      advice: "Look again in a moment; if it stays so, look at the log of the control plane.",
      waits: true,
    };
  return {
    code: "WHY_POD_NOT_SCHEDULED",
    found: `the scheduler finds no node: ${refusal}`,
    advice: "See `kubectl describe pod` for what the pod asks for.",
  };
};

/** Why a pod has no node. */
export const schedulingRules: readonly Rule<PodFacts>[] = [
  noNodes,
  unscheduled,
  selector,
  taint,
  resources,
  ports,
  affinity,
  claims,
  otherwise,
];

/** The required node affinity in words. */
function affinityTerms(pod: Pod | undefined): string[] {
  const { nodeAffinity } = (pod?.spec.affinity ?? {}) as Affinity;
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, operator, values = [] }) => `${key} ${operator} ${values.join(",")}`.trim()),
  );
}

/** The part of a pod's affinity that the API server has checked and that is shown. */
interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms?: readonly {
        readonly matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
      }[];
    };
  };
}

function tolerates(tolerations: readonly Toleration[], { key, value = "", effect }: Taint): boolean {
  if (effect === "PreferNoSchedule") return true;
  return tolerations.some(
    (each) =>
      (each.effect === undefined || each.effect === "" || each.effect === effect) &&
      (each.operator === "Exists"
        ? each.key === undefined || each.key === "" || each.key === key
        : each.key === key && (each.value ?? "") === value),
  );
}
