import type { Container, Pod, Quantity } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { amountsOf, podLimits, podRequests } from "@skerry/kube";
import { type ApiObject, asJsonObject, ensureObject, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { qosClass } from "../registry/kinds/pod-qos.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden } from "../registry/status-errors.ts";
import { type Consumption, limitViolations } from "./limit-range-constraints.ts";

const LIMIT_RANGES = "/limitranges";
/** Says what was filled in. */
const ANNOTATION = "kubernetes.io/limit-ranger";

/**
 * Gives a new pod's containers the default requests and limits of its namespace's LimitRanges, and holds pods and
 * claims to their bounds. @throws ApiError Forbidden
 */
export function admitLimitRanges(definition: ResourceDefinition, object: ApiObject, { session }: WriteScope): void {
  const { storageKey } = definition;
  if (storageKey !== "/pods" && storageKey !== "/persistentvolumeclaims") return;
  const limits = session
    .list(LIMIT_RANGES, object.metadata.namespace ?? "")
    .flatMap((range) => objectsIn(objectAt(asJsonObject(range), "spec")["limits"]));
  if (limits.length === 0) return;
  if (storageKey === "/pods") fillIn(object, limits);
  const found = storageKey === "/pods" ? podViolations(object, limits) : claimViolations(object, limits);
  if (found.length > 0)
    throw forbidden(
      definition.reference,
      object.metadata.name,
      found.length === 1 ? (found[0] ?? "") : `[${found.join(", ")}]`,
    );
}

function fillIn(pod: ApiObject, limits: readonly JsonObject[]): void {
  const spec = ensureObject(asJsonObject(pod), "spec");
  for (const limit of limits) {
    if (textAt(limit, "type") !== "Container") continue;
    const notes = [
      ...objectsIn(spec["containers"]).flatMap((container) => fillContainer(container, limit, "container")),
      ...objectsIn(spec["initContainers"]).flatMap((container) => fillContainer(container, limit, "init container")),
    ];
    if (notes.length === 0) continue;
    const annotations = ensureObject(ensureObject(asJsonObject(pod), "metadata"), "annotations");
    annotations[ANNOTATION] = `LimitRanger plugin set: ${notes.join("; ")}`;
  }
  const status = ensureObject(asJsonObject(pod), "status");
  status["qosClass"] = qosClass(spec);
}

/** Sets what the container leaves open; answers in words what that was. */
function fillContainer(container: JsonObject, limit: JsonObject, what: string): string[] {
  const fill = (member: "requests" | "limits", defaults: JsonObject): string[] => {
    const missing = Object.entries(defaults).filter(
      ([resource]) => objectAt(objectAt(container, "resources"), member)[resource] === undefined,
    );
    const target = missing.length === 0 ? {} : ensureObject(ensureObject(container, "resources"), member);
    for (const [resource, quantity] of missing) if (quantity !== undefined) target[resource] = quantity;
    return missing.map(([resource]) => resource).sort();
  };
  const requests = fill("requests", objectAt(limit, "defaultRequest"));
  const limits = fill("limits", objectAt(limit, "default"));
  const name = textAt(container, "name");
  return [
    ...(requests.length > 0 ? [`${requests.join(", ")} request for ${what} ${name}`] : []),
    ...(limits.length > 0 ? [`${limits.join(", ")} limit for ${what} ${name}`] : []),
  ];
}

function podViolations(object: ApiObject, limits: readonly JsonObject[]): string[] {
  const pod = object as unknown as Pod;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(consumptionOf);
  const whole: Consumption = { requests: podRequests(pod), limits: podLimits(pod) };
  return limits.flatMap((limit) => {
    const type = textAt(limit, "type");
    if (type === "Container") return containers.flatMap((container) => limitViolations(limit, container, "limit"));
    return type === "Pod" ? limitViolations(limit, whole, "limit") : [];
  });
}

function claimViolations(claim: ApiObject, limits: readonly JsonObject[]): string[] {
  const { requests } = objectAt(objectAt(asJsonObject(claim), "spec"), "resources");
  const consumption: Consumption = {
    requests: amountsOf(requests as Record<string, Quantity> | undefined),
    limits: new Map(),
  };
  return limits
    .filter((limit) => textAt(limit, "type") === "PersistentVolumeClaim")
    .flatMap((limit) => limitViolations(limit, consumption, "request"));
}

function consumptionOf({ resources }: Container): Consumption {
  return { requests: amountsOf(resources?.requests), limits: amountsOf(resources?.limits) };
}
