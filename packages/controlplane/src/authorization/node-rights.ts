import type { PersistentVolumeClaim, Pod } from "@skerry/api";
import {
  isApiError,
  type ParsedFieldSelector,
  type PodReferences,
  parseFieldSelector,
  referencesOf,
} from "@skerry/kube";
import { asJsonObject, objectAt, textAt } from "../registry/api-object.ts";
import type { StoreView } from "../registry/store-session.ts";
import type { AccessAttributes } from "./attributes.ts";
import { nodeNameOf } from "./node-identity.ts";
import { NODE_RULES } from "./node-rules.ts";
import { ruleAllows } from "./policy-rule.ts";

const READS: ReadonlySet<string> = new Set(["get", "list", "watch"]);
const CHANGES: ReadonlySet<string> = new Set(["update", "patch"]);
/** What a node does with objects that bear its name. */
const KEEPS: ReadonlySet<string> = new Set(["get", "create", "update", "patch", "delete"]);
const LEASES_NAMESPACE = "kube-node-lease";

type Resource = NonNullable<AccessAttributes["resource"]>;

/** What a node asks for. */
interface Question {
  readonly view: StoreView;
  readonly nodeName: string;
  readonly verb: string;
  readonly resource: Resource;
  /** A list or watch of one name is about this object. */
  readonly name: string;
}

/**
 * What a node may do without any role, as Kubernetes' node authorizer has it: read its Node, its pods and what these use,
 * report on them, keep its Lease and CSINode, and have tokens for its pods. A list or watch needs the selector that says
 * so. Which of the writes concern the node itself NodeRestriction looks at, who sees the object.
 */
export function isNodesOwn(view: StoreView, attributes: AccessAttributes): boolean {
  const { user, verb, resource } = attributes;
  const nodeName = nodeNameOf(user);
  if (nodeName === undefined || nodeName === "" || !resource) return false;
  const name = resource.name || (fieldOf(resource, "metadata.name") ?? "");
  const question: Question = { view, nodeName, verb, resource, name };
  const isWhole = resource.subresource === "";
  switch (`${resource.group}/${resource.resource}`) {
    case "/nodes":
      return mayUseNode(question);
    case "/pods":
      return mayUsePod(question);
    case "/configmaps":
      return isWhole && READS.has(verb) && isUsed(question, ({ configMaps }) => configMaps.has(name));
    case "/secrets":
      return isWhole && READS.has(verb) && isUsed(question, ({ secrets }) => secrets.has(name));
    case "/persistentvolumeclaims": {
      const isMeant = isWhole ? verb === "get" : resource.subresource === "status" && CHANGES.has(verb);
      return isMeant && isUsed(question, (references) => references.persistentVolumeClaims.has(name));
    }
    case "/persistentvolumes":
      return isWhole && verb === "get" && isVolumeUsed(question);
    case "/serviceaccounts":
      return (
        resource.subresource === "token" &&
        verb === "create" &&
        isUsed(question, ({ serviceAccount }) => serviceAccount === name)
      );
    case "coordination.k8s.io/leases":
      return isWhole && resource.namespace === LEASES_NAMESPACE && keepsOwn(question);
    case "storage.k8s.io/csinodes":
      return isWhole && keepsOwn(question);
    case "storage.k8s.io/volumeattachments":
      return isWhole && verb === "get" && isAttachedHere(question);
    default:
      return NODE_RULES.some((rule) => ruleAllows(rule, attributes));
  }
}

function mayUseNode({ nodeName, verb, resource, name }: Question): boolean {
  if (resource.subresource === "status") return CHANGES.has(verb);
  if (resource.subresource !== "") return false;
  return READS.has(verb) ? name === nodeName : verb === "create" || CHANGES.has(verb);
}

function mayUsePod({ view, nodeName, verb, resource, name }: Question): boolean {
  if (resource.subresource === "status") return CHANGES.has(verb);
  if (resource.subresource === "eviction") return verb === "create";
  if (resource.subresource !== "") return false;
  if (!READS.has(verb)) return verb === "create" || verb === "delete";
  if (verb !== "get" && resource.name === "" && fieldOf(resource, "spec.nodeName") === nodeName) return true;
  if (resource.namespace === "" || name === "") return false;
  const pod = view.get({ resource: "/pods", namespace: resource.namespace, name });
  return pod !== undefined && textAt(objectAt(asJsonObject(pod), "spec"), "nodeName") === nodeName;
}

/** The name of what is created is not known yet; NodeRestriction looks at it. */
function keepsOwn({ nodeName, verb, name }: Question): boolean {
  return KEEPS.has(verb) && (verb === "create" || name === nodeName);
}

/** Whether a pod of the node refers to it. */
function isUsed({ view, nodeName, resource, name }: Question, uses: (references: PodReferences) => boolean): boolean {
  if (resource.namespace === "" || name === "") return false;
  return podsOn(view, nodeName, resource.namespace).some((pod) => uses(referencesOf(pod)));
}

/** Whether a claim that a pod of the node uses is bound to the volume. */
function isVolumeUsed({ view, nodeName, name }: Question): boolean {
  if (name === "") return false;
  return podsOn(view, nodeName).some((pod) => {
    const namespace = pod.metadata.namespace ?? "";
    return [...referencesOf(pod).persistentVolumeClaims].some((claimName) => {
      const claim = view.get({ resource: "/persistentvolumeclaims", namespace, name: claimName });
      return (claim as unknown as PersistentVolumeClaim | undefined)?.spec.volumeName === name;
    });
  });
}

function isAttachedHere({ view, nodeName, name }: Question): boolean {
  const attachment = view.get({ resource: "storage.k8s.io/volumeattachments", namespace: "", name });
  return attachment !== undefined && textAt(objectAt(asJsonObject(attachment), "spec"), "nodeName") === nodeName;
}

function podsOn(view: StoreView, nodeName: string, namespace?: string): Pod[] {
  // Stored pods are validated.
  return view.podsOn(nodeName, namespace) as unknown as Pod[];
}

/** The value that a selector asks of a field; undefined when it asks none. */
function fieldOf({ fieldSelector = "" }: Resource, field: string): string | undefined {
  return requirementsOf(fieldSelector).find((asked) => asked.field === field && asked.operator === "=")?.value;
}

/** None of a selector that cannot be read. */
function requirementsOf(fieldSelector: string): ParsedFieldSelector {
  try {
    return parseFieldSelector(fieldSelector);
  } catch (error) {
    if (isApiError(error)) return [];
    throw error;
  }
}
