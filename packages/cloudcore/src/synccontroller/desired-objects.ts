import type { KubernetesObject } from "@skerry/api";
import type { ManagedKind } from "./managed-kinds.ts";

/** An object that a node should hold. */
export interface DesiredObject {
  readonly kind: ManagedKind;
  readonly object: KubernetesObject;
}

/** What nodes should hold, as the controllers' caches say. */
export interface DesiredObjects {
  /** Everything that the node should hold, what is needed before what needs it. */
  objectsOf(nodeName: string): Iterable<DesiredObject>;
  /** The object of that name, if the node should hold it. */
  objectFor(nodeName: string, kind: ManagedKind, namespace: string, name: string): KubernetesObject | undefined;
  /**
   * The object with what the caches leave out of kinds with {@link ManagedKind.contentIsRead}, in this version or a newer
   * one; undefined when it is gone.
   * @throws ApiError
   */
  contentOf?(kind: ManagedKind, object: KubernetesObject): Promise<KubernetesObject | undefined>;
  /** Whether the node should hold the object, given as the API server has it now. */
  belongsTo(nodeName: string, kind: ManagedKind, object: KubernetesObject): boolean;
}

/** What a node with KubeEdge's delivery should hold: without the kinds that are {@link ManagedKind.skerryOnly}. */
export function forKubeEdge(desired: DesiredObjects): DesiredObjects {
  return {
    contentOf: async (kind, object) => desired.contentOf?.(kind, object),
    belongsTo: (nodeName, kind, object) => desired.belongsTo(nodeName, kind, object),
    *objectsOf(nodeName) {
      for (const each of desired.objectsOf(nodeName)) if (!each.kind.skerryOnly) yield each;
    },
    objectFor: (nodeName, kind, namespace, name) =>
      kind.skerryOnly ? undefined : desired.objectFor(nodeName, kind, namespace, name),
  };
}

/** Joins the parts that several controllers answer for. */
export function joinDesiredObjects(parts: readonly DesiredObjects[]): DesiredObjects {
  return {
    *objectsOf(nodeName) {
      for (const part of parts) yield* part.objectsOf(nodeName);
    },
    objectFor(nodeName, kind, namespace, name) {
      for (const part of parts) {
        const object = part.objectFor(nodeName, kind, namespace, name);
        if (object) return object;
      }
      return undefined;
    },
    async contentOf(kind, object) {
      for (const part of parts) {
        const content = await part.contentOf?.(kind, object);
        if (content) return content;
      }
      return undefined;
    },
    belongsTo(nodeName, kind, object) {
      return parts.some((part) => part.belongsTo(nodeName, kind, object));
    },
  };
}
