import type { Pod } from "@skerry/api";
import { referencesOf } from "@skerry/kube";
import type { StoreView } from "../registry/store-session.ts";
import type { AccessAttributes } from "./attributes.ts";

/** Every user of a node is in this group. */
const NODES = "system:nodes";
const NODE_USER = /^system:node:(.+)$/;
const READS: ReadonlySet<string> = new Set(["get", "list", "watch"]);

type Resource = NonNullable<AccessAttributes["resource"]>;

/**
 * What a node may read without any role, as Kubernetes' node authorizer has it: its Node and its pods, Services, and
 * the ConfigMaps, Secrets and claims that its pods use. Lists and watches need the selector that says so.
 */
export function isNodesOwn(view: StoreView, { user, verb, resource }: AccessAttributes): boolean {
  const nodeName = user.groups.includes(NODES) ? NODE_USER.exec(user.username)?.[1] : undefined;
  if (nodeName === undefined || !resource || !READS.has(verb)) return false;
  if (resource.group !== "" || !["", "status"].includes(resource.subresource)) return false;
  // A list or watch of one name is about this object.
  const name = resource.name || (fieldOf(resource, "metadata.name") ?? "");
  switch (resource.resource) {
    case "services":
      return true;
    case "nodes":
      return name === nodeName;
    case "pods":
      if (verb !== "get") return fieldOf(resource, "spec.nodeName") === nodeName;
      return podOf(view, resource.namespace, name)?.spec.nodeName === nodeName;
    case "configmaps":
      return name !== "" && isUsed(view, nodeName, resource.namespace, (pod) => referencesOf(pod).configMaps.has(name));
    case "secrets":
      return name !== "" && isUsed(view, nodeName, resource.namespace, (pod) => referencesOf(pod).secrets.has(name));
    case "persistentvolumeclaims":
      return (
        name !== "" &&
        isUsed(view, nodeName, resource.namespace, (pod) => referencesOf(pod).persistentVolumeClaims.has(name))
      );
    default:
      return false;
  }
}

function isUsed(view: StoreView, nodeName: string, namespace: string, uses: (pod: Pod) => boolean): boolean {
  if (namespace === "") return false;
  return view.list("/pods", namespace).some((object) => {
    const pod = object as unknown as Pod;
    return pod.spec.nodeName === nodeName && uses(pod);
  });
}

function podOf(view: StoreView, namespace: string, name: string): Pod | undefined {
  if (namespace === "" || name === "") return undefined;
  return view.get({ resource: "/pods", namespace, name }) as unknown as Pod | undefined;
}

/** The value that a selector asks of a field; undefined when it asks none. */
function fieldOf({ fieldSelector = "" }: Resource, field: string): string | undefined {
  for (const part of fieldSelector.split(",")) {
    const [, key, value] = /^([^=!]+)==?([^=]+)$/.exec(part) ?? [];
    if (key === field) return value;
  }
  return undefined;
}
