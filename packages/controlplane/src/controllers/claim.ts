import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { controllerOf, controllerReference, isControlledBy } from "./owner-references.ts";

/** Who claims objects, and which. */
export interface ClaimOptions<T extends KubernetesObject> {
  readonly api: KubernetesApi;
  readonly owner: KubernetesObject;
  /** Collection of the claimed objects. */
  readonly resource: ResourceReference;
  /** Collection of the owner, to make sure on the API server itself that it still lives before it adopts. */
  readonly ownerResource: ResourceReference;
  readonly matches: (object: T) => boolean;
  readonly signal: AbortSignal;
}

/**
 * The owner's objects among `candidates`: adopts matching orphans, releases owned ones that match no longer. As in
 * Kubernetes, an owner that is being deleted adopts nothing.
 */
export async function claimObjects<T extends KubernetesObject>(
  candidates: readonly T[],
  options: ClaimOptions<T>,
): Promise<T[]> {
  const { owner, matches } = options;
  const claimed: T[] = [];
  for (const object of candidates) {
    const controller = controllerOf(object);
    if (controller) {
      if (!isControlledBy(object, owner)) continue;
      if (matches(object)) claimed.push(object);
      else if (!owner.metadata.deletionTimestamp) await release(object, options);
      continue;
    }
    if (!matches(object) || object.metadata.deletionTimestamp || owner.metadata.deletionTimestamp) continue;
    if (await adopt(object, options)) claimed.push(object);
  }
  return claimed;
}

async function adopt<T extends KubernetesObject>(object: T, options: ClaimOptions<T>): Promise<boolean> {
  const { api, owner, ownerResource, resource, signal } = options;
  const { namespace = "", name, uid } = object.metadata;
  const live = await api.get({ resource: ownerResource, namespace, name: owner.metadata.name }, signal);
  if (live.metadata.uid !== owner.metadata.uid || live.metadata.deletionTimestamp) return false;
  const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner)];
  const body = { metadata: { uid: uid ?? "", ownerReferences: references.map((reference) => ({ ...reference })) } };
  return unlessGone(api.patch({ resource, namespace, name }, { type: "merge", body }, { signal }));
}

async function release<T extends KubernetesObject>(object: T, options: ClaimOptions<T>): Promise<void> {
  const { api, owner, resource, signal } = options;
  const { namespace = "", name, uid } = object.metadata;
  const kept = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  const body = { metadata: { uid: uid ?? "", ownerReferences: kept.map((reference) => ({ ...reference })) } };
  await unlessGone(api.patch({ resource, namespace, name }, { type: "merge", body }, { signal }));
}

/** Whether the write was done; false when the object is gone or is another one by now. */
async function unlessGone(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isApiError(error, "NotFound") || isApiError(error, "Conflict") || isApiError(error, "Invalid")) return false;
    throw error;
  }
}
