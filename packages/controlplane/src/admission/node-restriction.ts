import { MIRROR_ANNOTATION, nodes, pods } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { nodeNameOf } from "../authorization/node-identity.ts";
import { type ApiObject, asJsonObject, objectAt, textAt } from "../registry/api-object.ts";
import type { ObjectAt } from "../registry/api-service.ts";
import type { RequestContext, UserInfo } from "../registry/request-context.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden, notFound } from "../registry/status-errors.ts";
import type { StoreView } from "../registry/store-session.ts";
import { mirrorPodRefusal } from "./mirror-pods.ts";
import { forbiddenNodeLabels } from "./node-labels.ts";

// Kubernetes' NodeRestriction: of what roles and the node authorizer let nodes write, each writes only what is its own.

const PODS = "/pods";
const NODES = "/nodes";
const CLAIMS = "/persistentvolumeclaims";
const LEASES = "coordination.k8s.io/leases";
const CSI_NODES = "storage.k8s.io/csinodes";
const LEASES_NAMESPACE = "kube-node-lease";
/** What a node may tell of a claim. */
const CLAIM_FACTS = ["capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"];

const ONLY_STATUS = "may only update PVC status";

/** What is written. */
type Written = Pick<ObjectAt, "definition" | "name">;

/** A node makes its own Node, Lease and CSINode, and mirrors of pods that only it knows. @throws ApiError Forbidden */
export function restrictNodeCreate(
  definition: ResourceDefinition,
  object: ApiObject,
  { session, context }: WriteScope,
): void {
  const { name, namespace = "" } = object.metadata;
  restrict(context.user, { definition, name }, (nodeName) => {
    switch (definition.storageKey) {
      case PODS: {
        const node = session.get({ resource: NODES, namespace: "", name: nodeName });
        if (!node && object.metadata.ownerReferences?.length === 1) throw notFound(nodes, nodeName);
        return mirrorPodRefusal(nodeName, object, node);
      }
      case NODES: {
        if (name !== nodeName) return otherNode(nodeName, name);
        const who = `node ${JSON.stringify(nodeName)}`;
        if (specOf(object)["configSource"] !== undefined)
          return `${who} is not allowed to create pods with a non-nil configSource`;
        const labels = forbiddenNodeLabels({}, object.metadata.labels ?? {});
        return labels.length === 0
          ? undefined
          : `${who} is not allowed to set the following labels: ${labels.join(", ")}`;
      }
      case CLAIMS:
        return ONLY_STATUS;
      default:
        return ownNameRefusal(definition, namespace, name, nodeName);
    }
  });
}

/** A node changes its own Node and what it tells of its pods and their claims. @throws ApiError Forbidden */
export function restrictNodeUpdate(
  definition: ResourceDefinition,
  {
    next,
    previous,
    subresource,
  }: { readonly next: ApiObject; readonly previous: ApiObject; readonly subresource: string },
  { context }: WriteScope,
): void {
  const { name, namespace = "" } = previous.metadata;
  restrict(context.user, { definition, name }, (nodeName) => {
    const who = `node ${JSON.stringify(nodeName)}`;
    switch (definition.storageKey) {
      case PODS:
        if (subresource === "") return `unexpected operation "UPDATE", ${who} can only create and delete mirror pods`;
        if (subresource !== "status") return unexpectedPart(subresource);
        if (boundTo(previous) !== nodeName)
          return `${who} can only update pod status for pods with spec.nodeName set to itself`;
        if (!jsonEqual({ ...next.metadata.labels }, { ...previous.metadata.labels }))
          return `${who} cannot update labels through pod status`;
        return next.metadata.annotations?.[MIRROR_ANNOTATION] === previous.metadata.annotations?.[MIRROR_ANNOTATION]
          ? undefined
          : `${who} may not add, change or remove the ${JSON.stringify(MIRROR_ANNOTATION)} annotation`;
      case NODES:
        return name === nodeName ? nodeChangeRefusal(who, next, previous) : otherNode(nodeName, name);
      case CLAIMS:
        if (subresource !== "status") return ONLY_STATUS;
        return jsonEqual(withoutFacts(next), withoutFacts(previous))
          ? undefined
          : `${who} is not allowed to update fields other than status.capacity and status.conditions`;
      default:
        return ownNameRefusal(definition, namespace, name, nodeName);
    }
  });
}

/** A node deletes pods that are bound to it, its Lease and its CSINode. @throws ApiError Forbidden */
export function restrictNodeDelete(definition: ResourceDefinition, object: ApiObject, { context }: WriteScope): void {
  const { name, namespace = "" } = object.metadata;
  restrict(context.user, { definition, name }, (nodeName) => {
    switch (definition.storageKey) {
      case PODS:
        return boundTo(object) === nodeName
          ? undefined
          : `node ${JSON.stringify(nodeName)} can only delete pods with spec.nodeName set to itself`;
      case NODES:
        return name === nodeName ? undefined : otherNode(nodeName, name);
      case CLAIMS:
        return ONLY_STATUS;
      default:
        return ownNameRefusal(definition, namespace, name, nodeName);
    }
  });
}

/**
 * What is made through a subresource: a node evicts its own pods and has tokens that are bound to them.
 * @throws ApiError Forbidden, NotFound
 */
export function restrictNodeAction(view: StoreView, { user }: RequestContext, at: ObjectAt, body: JsonObject): void {
  const { definition, namespace, name, subresource = "" } = at;
  restrict(user, at, (nodeName) => {
    if (definition.storageKey === "/serviceaccounts")
      return subresource === "token" ? tokenRefusal(view, namespace, nodeName, body) : undefined;
    if (definition.storageKey !== PODS) return undefined;
    if (subresource !== "eviction") return unexpectedPart(subresource);
    const pod = view.get({ resource: PODS, namespace, name });
    if (!pod) throw notFound(definition.reference, name);
    return boundTo(pod) === nodeName
      ? undefined
      : `node ${nodeName} can only evict pods with spec.nodeName set to itself`;
  });
}

/** Looks at writes of nodes alone. @param refusal why the node may not; undefined when it may */
function restrict(
  user: UserInfo,
  { definition, name }: Written,
  refusal: (nodeName: string) => string | undefined,
): void {
  const nodeName = nodeNameOf(user);
  if (nodeName === undefined) return;
  const reason =
    nodeName === "" ? `could not determine node from user ${JSON.stringify(user.username)}` : refusal(nodeName);
  if (reason !== undefined) throw forbidden(definition.reference, name, reason);
}

function tokenRefusal(view: StoreView, namespace: string, nodeName: string, body: JsonObject): string | undefined {
  const reference = objectAt(objectAt(body, "spec"), "boundObjectRef");
  const [name, uid] = [textAt(reference, "name"), textAt(reference, "uid")];
  if (reference["apiVersion"] !== "v1" || reference["kind"] !== "Pod" || name === "")
    return "node requested token not bound to a pod";
  if (uid === "") return "node requested token with a pod binding without a uid";
  const pod = view.get({ resource: PODS, namespace, name });
  if (!pod) throw notFound(pods, name);
  if (uid !== pod.metadata.uid)
    return `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  return boundTo(pod) === nodeName ? undefined : "node requested token bound to a pod scheduled on a different node";
}

function nodeChangeRefusal(who: string, next: ApiObject, previous: ApiObject): string | undefined {
  const [spec, before] = [specOf(next), specOf(previous)];
  if (spec["configSource"] !== undefined && !jsonEqual(spec["configSource"], before["configSource"]))
    return `${who} is not allowed to update configSource to a new non-nil configSource`;
  if (!jsonEqual(spec["taints"] ?? [], before["taints"] ?? [])) return `${who} is not allowed to modify taints`;
  const labels = forbiddenNodeLabels(previous.metadata.labels ?? {}, next.metadata.labels ?? {});
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(", ")}`;
}

/** Leases and CSINodes bear the name of their node. */
function ownNameRefusal(
  { storageKey }: ResourceDefinition,
  namespace: string,
  name: string,
  nodeName: string,
): string | undefined {
  const same = "with the same name as the requesting node";
  if (storageKey === CSI_NODES) return name === nodeName ? undefined : `can only access CSINode ${same}`;
  if (storageKey !== LEASES) return undefined;
  if (namespace !== LEASES_NAMESPACE) return `can only access leases in the "${LEASES_NAMESPACE}" system namespace`;
  return name === nodeName ? undefined : `can only access node lease ${same}`;
}

function otherNode(nodeName: string, name: string): string {
  return `node ${JSON.stringify(nodeName)} is not allowed to modify node ${JSON.stringify(name)}`;
}

function unexpectedPart(subresource: string): string {
  return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`;
}

function specOf(object: ApiObject): JsonObject {
  return objectAt(asJsonObject(object), "spec");
}

function boundTo(pod: ApiObject): string {
  return textAt(specOf(pod), "nodeName");
}

/** A claim without what a node may tell of it, and without what every write changes. */
function withoutFacts(claim: ApiObject): JsonObject {
  const json = asJsonObject(claim);
  const without = (member: string, left: readonly string[]): JsonObject =>
    Object.fromEntries(Object.entries(objectAt(json, member)).filter(([name]) => !left.includes(name)));
  const metadata = without("metadata", ["resourceVersion", "managedFields", "generation"]);
  return { ...json, metadata, status: without("status", CLAIM_FACTS) };
}
