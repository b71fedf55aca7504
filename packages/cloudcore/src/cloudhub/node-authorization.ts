import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { type Message, type ObjectPath, parseDevicePath, parseObjectPath } from "@skerry/link";
import type { NodeObjects } from "./node-objects.ts";

/** Whether a node may send a message, and why not. */
export type AuthorizationVerdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "forbidden"; readonly reason: string };

const ALLOWED: AuthorizationVerdict = { kind: "allowed" };

const LEASE_NAMESPACE = "kube-node-lease";
/** Where events about objects without a namespace are. */
const NODE_EVENT_NAMESPACE = "default";

/**
 * Decides what a node may do: speak for itself, and read and write its own objects, no others (security.md S3, S4, S22).
 * Only the node's name from its certificate counts; KubeEdge believes the message.
 */
export function authorizeNodeMessage(nodeName: string, message: Message, objects: NodeObjects): AuthorizationVerdict {
  const { source, resource = "" } = message.route;
  if (source === "twin") return authorizeTwin(nodeName, resource, objects);
  const path = parseObjectPath(resource);
  if (!path || hasDots(resource)) return forbidden(`"${resource.slice(0, 200)}" names no object`);
  const misnamed = misnamedContent(path, message.content);
  if (misnamed) return forbidden(misnamed);
  const rule = RULES[path.type];
  if (!rule || !Object.hasOwn(RULES, path.type)) return forbidden(`nodes have no access to ${path.type}`);
  return rule({ nodeName, path, message, objects });
}

interface Request {
  readonly nodeName: string;
  readonly path: ObjectPath;
  readonly message: Message;
  readonly objects: NodeObjects;
}

type Rule = (request: Request) => AuthorizationVerdict;

/** By resource type of the path; a type without a rule is forbidden. */
const RULES: Record<string, Rule> = {
  node: ownNode,
  nodestatus: ownNode,
  nodepatch: ownNode,
  lease: ({ nodeName, path }) =>
    path.namespace === LEASE_NAMESPACE && path.name === nodeName
      ? ALLOWED
      : forbidden(`a node has only the lease ${LEASE_NAMESPACE}/${nodeName}`),
  pod: (request) => (request.message.route.operation === "insert" ? mirrorPod(request) : ownPod(request)),
  podpatch: ownPod,
  podstatus: (request) => (request.path.name === undefined ? ownPodsInList(request) : ownPod(request)),
  configmap: (request) =>
    named(request, "no pod of the node refers to it", ({ objects, nodeName }, name) =>
      objects.mayReadConfigMap(nodeName, name),
    ),
  secret: (request) =>
    named(request, "no pod of the node refers to it", ({ objects, nodeName }, name) =>
      objects.mayReadSecret(nodeName, name),
    ),
  persistentvolumeclaim: (request) =>
    named(request, "no pod of the node mounts it", ({ objects, nodeName }, name) =>
      objects.mayReadPersistentVolumeClaim(nodeName, name),
    ),
  persistentvolume: ({ nodeName, path, objects }) =>
    path.name !== undefined && objects.mayReadPersistentVolume(nodeName, path.name)
      ? ALLOWED
      : forbidden("no pod of the node mounts a claim of it"),
  // Which node's it is only the attachment says; whoever answers looks.
  volumeattachment: ({ message, path }) =>
    message.route.operation === "query" && path.name !== undefined
      ? ALLOWED
      : forbidden("a node may only read the attachments of its volumes"),
  serviceaccounttoken,
  event,
};

function ownNode({ nodeName, path }: Request): AuthorizationVerdict {
  return path.name === nodeName ? ALLOWED : forbidden(`the node is "${nodeName}"`);
}

function ownPod(request: Request): AuthorizationVerdict {
  return named(request, "the pod is not bound to the node", ({ objects, nodeName }, name) =>
    objects.ownsPod(nodeName, name),
  );
}

/** A node may show its own static pods in the API, nothing else. */
function mirrorPod({ nodeName, message }: Request): AuthorizationVerdict {
  const spec = memberOf(message.content, "spec");
  return spec?.["nodeName"] === nodeName ? ALLOWED : forbidden("the pod's spec.nodeName is another node");
}

function ownPodsInList({ nodeName, path, message, objects }: Request): AuthorizationVerdict {
  const { namespace } = path;
  if (namespace === undefined || !Array.isArray(message.content)) return forbidden("it lists no pods");
  for (const entry of message.content) {
    const name = isJsonObject(entry) ? entry["Name"] : undefined;
    if (typeof name !== "string" || !objects.ownsPod(nodeName, { namespace, name }))
      return forbidden(`the pod "${String(name)}" is not bound to the node`);
  }
  return ALLOWED;
}

/** Tokens only for service accounts of the node's pods, bound to such a pod. */
function serviceaccounttoken(request: Request): AuthorizationVerdict {
  const { nodeName, path, message, objects } = request;
  const verdict = named(request, "no pod of the node runs under it", (_request, name) =>
    objects.mayUseServiceAccount(nodeName, name),
  );
  if (verdict.kind === "forbidden") return verdict;
  const bound = memberOf(memberOf(message.content, "spec"), "boundObjectRef");
  const podName = bound?.["name"];
  const own =
    bound?.["kind"] === "Pod" &&
    typeof podName === "string" &&
    path.namespace !== undefined &&
    objects.ownsPod(nodeName, { namespace: path.namespace, name: podName });
  return own ? ALLOWED : forbidden("the token must be bound to a pod of the node");
}

/** Events about the node and its pods; the event's name begins with the object's, as all components write it. */
function event({ nodeName, path, message, objects }: Request): AuthorizationVerdict {
  // A patch brings the event that it is about beside itself; else the content is the event (wire.md U21).
  const content = message.route.operation === "patch" ? memberOf(message.content, "event") : message.content;
  const involved = memberOf(content, "involvedObject");
  const name = involved?.["name"];
  const namespace = involved?.["namespace"];
  if (typeof name !== "string" || !path.name?.startsWith(`${name}.`))
    return forbidden("the event is not about its name");
  if (involved?.["kind"] === "Node")
    return name === nodeName && path.namespace === NODE_EVENT_NAMESPACE
      ? ALLOWED
      : forbidden(`the event is about another node, or not in namespace ${NODE_EVENT_NAMESPACE}`);
  const aboutOwnPod =
    involved?.["kind"] === "Pod" &&
    typeof namespace === "string" &&
    namespace === path.namespace &&
    objects.ownsPod(nodeName, { namespace, name });
  return aboutOwnPod ? ALLOWED : forbidden("the event is about an object that is not the node's");
}

function authorizeTwin(nodeName: string, resource: string, objects: NodeObjects): AuthorizationVerdict {
  if (resource === "membership/detail" || resource === "membership") return ALLOWED;
  const device = parseDevicePath(resource);
  if (!device || hasDots(resource)) return forbidden(`"${resource.slice(0, 200)}" names no device`);
  return objects.ownsDevice(nodeName, { namespace: device.namespace, name: device.name })
    ? ALLOWED
    : forbidden("the device is not bound to the node");
}

/** Whether a part of the path would lead elsewhere in a URL. */
function hasDots(resource: string): boolean {
  return resource.split("/").some((part) => part === "." || part === "..");
}

function named(
  request: Request,
  reason: string,
  owns: (request: Request, name: { namespace: string; name: string }) => boolean,
): AuthorizationVerdict {
  const { namespace, name } = request.path;
  if (namespace === undefined || name === undefined) return forbidden("the path names no object");
  return owns(request, { namespace, name }) ? ALLOWED : forbidden(reason);
}

/** An object in the content must be the one that the path was judged by. */
function misnamedContent(path: ObjectPath, content: JsonValue): string | undefined {
  const metadata = memberOf(content, "metadata") ?? memberOf(memberOf(content, "event"), "metadata");
  if (!metadata) return undefined;
  const { name, namespace } = metadata;
  if (name !== undefined && name !== null && name !== "" && name !== path.name)
    return "the object's name is not the path's";
  if (namespace !== undefined && namespace !== null && namespace !== "" && namespace !== path.namespace)
    return "the object's namespace is not the path's";
  return undefined;
}

function memberOf(value: JsonValue | undefined, name: string): JsonObject | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(member) ? member : undefined;
}

function forbidden(reason: string): AuthorizationVerdict {
  return { kind: "forbidden", reason };
}
