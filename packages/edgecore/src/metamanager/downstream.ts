import type { KubernetesObject } from "@skerry/api";
import { acknowledgementFor, type Message, objectOf } from "@skerry/link";
import { objectUnusable, volumesUnsupported } from "./errors.ts";
import type { ObjectKey } from "./meta-store.ts";
import { parseKey, withKind } from "./object-key.ts";

/** What a message without a waiting requester asks of the store (wire.md 13.2). */
export type Instruction =
  | { readonly kind: "store"; readonly key: ObjectKey; readonly object: KubernetesObject }
  | { readonly kind: "delete"; readonly key: ObjectKey; readonly uid: string; readonly resourceVersion: string }
  /** Nothing to store and nobody waits for an acknowledgement. */
  | { readonly kind: "none"; readonly why: string };

/** Volume operations of the CSI driver (wire.md 10, D29): the cloud waits for an answer. */
const VOLUME_OPERATIONS: ReadonlySet<string> = new Set([
  "createvolume",
  "deletevolume",
  "controllerpublishvolume",
  "controllerunpublishvolume",
]);

/**
 * Reads a message from the cloud.
 * @throws SkerryError `META_OBJECT_UNUSABLE`, `META_VOLUMES_UNSUPPORTED` when it cannot be done as it says: the sender is told.
 */
export function readInstruction(message: Message): Instruction {
  const { operation = "" } = message.route;
  switch (operation) {
    case "insert":
    case "update":
      return { kind: "store", ...readObject(message) };
    case "delete":
      return readDeletion(message);
    case "response":
      return readLateReply(message);
    default:
      if (VOLUME_OPERATIONS.has(operation)) throw volumesUnsupported(operation);
      return { kind: "none", why: `operation "${operation}" is unknown` };
  }
}

function readObject(message: Message): { key: ObjectKey; object: KubernetesObject } {
  const { resource = "" } = message.route;
  const key = parseKey(resource);
  if (!key) throw objectUnusable(resource, "the resource does not name an object");
  const object = objectOf(message.content);
  if (!object) throw objectUnusable(resource, "its content is not an object");
  const { name, namespace, uid } = object.metadata;
  if (!uid) throw objectUnusable(resource, "the object has no UID");
  if (name !== key.name) throw objectUnusable(resource, `the object's name is ${name}`);
  if (namespace && namespace !== key.namespace)
    throw objectUnusable(resource, `the object's namespace is ${namespace}`);
  return { key, object: withKind(key.type, object) };
}

/** A deletion without UID (wire.md 10, D9) does not say which object is meant, so it deletes none. */
function readDeletion(message: Message): Instruction {
  const { resource = "" } = message.route;
  const key = parseKey(resource);
  if (!key) throw objectUnusable(resource, "the resource does not name an object");
  const object = objectOf(message.content);
  return {
    kind: "delete",
    key,
    uid: object?.metadata.uid ?? "",
    resourceVersion: message.header.resourceversion ?? object?.metadata.resourceVersion ?? "",
  };
}

/**
 * A reply that came after its requester gave up. The cloud counts an object in it as held by this node from the
 * acknowledgement on, so it is stored like any other (wire.md 18, W6); any other reply is late and useless.
 */
function readLateReply(message: Message): Instruction {
  const useless: Instruction = { kind: "none", why: "nobody waits for this reply any more" };
  if (acknowledgementFor(message) !== "observed") return useless;
  try {
    return { kind: "store", ...readObject(message) };
  } catch {
    return useless;
  }
}
