import {
  type ControllerRevision,
  type KubernetesObject,
  type LabelSelector,
  type PodTemplateSpec,
  type ResourceReference,
  controllerRevisions as revisionsResource,
} from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { asJson, isApiError, jsonEqual, type KubernetesApi, labelSelectorPredicate } from "@skerry/kube";
import { claimObjects } from "../claim.ts";
import { BY_CONTROLLER, BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import { templateHash } from "../deployment/pod-template.ts";
import { controllerOf, controllerReference, isControlledBy } from "../owner-references.ts";

/** Label that says which version of the template a pod, or a ControllerRevision, is of. */
export const REVISION_HASH = "controller-revision-hash";
/** Label of a StatefulSet's ControllerRevision. */
const STATEFUL_SET_HASH = "controller.kubernetes.io/hash";
const DEFAULT_LIMIT = 10;

/** A set that keeps the versions of its template as ControllerRevisions. */
export interface RevisionedSet extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
    readonly revisionHistoryLimit?: number;
  };
  readonly status?: { readonly collisionCount?: number };
}

/** The versions of a set's template, oldest first, and which one it wants now. */
export interface RevisionHistory {
  readonly revisions: readonly ControllerRevision[];
  readonly wanted: ControllerRevision;
  /** How often a revision's name was taken by another. */
  readonly collisionCount: number;
}

/**
 * Finds or makes the revision of the set's present template, which gets the highest number. Adopts what a set of its
 * name left behind, so that pods that it left behind too stay what they are.
 * @param setResource collection of the set
 */
export async function currentHistory(
  api: KubernetesApi,
  informers: Pick<ClusterInformers, "controllerRevisions">,
  set: RevisionedSet,
  setResource: ResourceReference,
  signal: AbortSignal,
): Promise<RevisionHistory> {
  const { namespace = "", uid = "" } = set.metadata;
  const { cache } = informers.controllerRevisions;
  const orphans = cache.byIndex(BY_NAMESPACE, namespace).filter((revision) => !controllerOf(revision));
  const claim = (candidates: readonly ControllerRevision[]): Promise<ControllerRevision[]> =>
    claimObjects(candidates, {
      api,
      owner: set,
      resource: revisionsResource,
      ownerResource: setResource,
      matches: (revision) => isControlledBy(revision, set) || isLeftBehindFor(set, revision),
      signal,
    });
  const revisions = (await claim([...cache.byIndex(BY_CONTROLLER, uid), ...orphans])).sort(
    (left, right) => left.revision - right.revision,
  );
  const data = templateData(set.spec.template);
  const collisionCount = set.status?.collisionCount ?? 0;
  const highest = revisions.at(-1)?.revision ?? 0;
  const same = revisions.findLast((revision) => jsonEqual(revision.data, data));
  if (same && same.revision === highest) return { revisions, wanted: same, collisionCount };
  if (same) {
    const { namespace = "", name } = same.metadata;
    const body = { metadata: { uid: same.metadata.uid ?? "" }, revision: highest + 1 };
    const wanted = await api.patch<ControllerRevision>(
      { resource: revisionsResource, namespace, name },
      { type: "merge", body },
      { signal },
    );
    return { revisions: [...revisions.filter((each) => each !== same), wanted], wanted, collisionCount };
  }
  return createRevision(api, set, data, revisions, highest + 1, collisionCount, claim, signal);
}

/** Whether a revision without an owner was one of a set of this name and selector. */
function isLeftBehindFor({ metadata, spec }: RevisionedSet, revision: ControllerRevision): boolean {
  const isNamedSo = revision.metadata.name === `${metadata.name}-${revisionHash(revision)}`;
  return isNamedSo && labelSelectorPredicate(spec.selector)(revision.metadata.labels);
}

async function createRevision(
  api: KubernetesApi,
  set: RevisionedSet,
  data: JsonObject,
  revisions: readonly ControllerRevision[],
  revision: number,
  collisionsBefore: number,
  claim: (candidates: readonly ControllerRevision[]) => Promise<ControllerRevision[]>,
  signal: AbortSignal,
): Promise<RevisionHistory> {
  const { namespace = "" } = set.metadata;
  for (let collisionCount = collisionsBefore; ; collisionCount++) {
    const hash = templateHash(set.spec.template, collisionCount);
    const name = `${set.metadata.name}-${hash}`;
    const hashLabel = set.kind === "StatefulSet" ? STATEFUL_SET_HASH : REVISION_HASH;
    const object: ControllerRevision = {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name,
        labels: { ...set.spec.template.metadata?.labels, [hashLabel]: hash },
        ownerReferences: [controllerReference(set)],
      },
      data,
      revision,
    };
    try {
      const wanted = await api.create({ resource: revisionsResource, namespace }, object, { signal });
      return { revisions: [...revisions, wanted], wanted, collisionCount };
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
      const target = { resource: revisionsResource, namespace, name };
      const existing = await api.get<ControllerRevision>(target, signal);
      // Made by us or left to us, with the answer or the cache late; else the hash has met another template's.
      if (jsonEqual(existing.data, data) && (await claim([existing])).length > 0)
        return { revisions: [...revisions, existing], wanted: existing, collisionCount };
    }
  }
}

/** Deletes the oldest revisions that nothing uses any longer, beyond the set's limit. */
export async function trimHistory(
  api: KubernetesApi,
  set: RevisionedSet,
  revisions: readonly ControllerRevision[],
  isUsed: (revision: ControllerRevision) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const unused = revisions.filter((revision) => !isUsed(revision));
  const excess = unused.length - (set.spec.revisionHistoryLimit ?? DEFAULT_LIMIT);
  for (const { metadata } of unused.slice(0, Math.max(0, excess))) {
    const target = { resource: revisionsResource, namespace: metadata.namespace ?? "", name: metadata.name };
    try {
      await api.delete(target, { preconditions: { uid: metadata.uid ?? "" }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}

/** The hash in a revision's name: what a DaemonSet's pods carry. */
export function revisionHash(revision: ControllerRevision): string {
  const { labels = {} } = revision.metadata;
  return labels[REVISION_HASH] ?? labels[STATEFUL_SET_HASH] ?? "";
}

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const spec = revision.data?.["spec"];
  const template = isJsonObject(spec) ? spec["template"] : undefined;
  if (!isJsonObject(template)) return undefined;
  const { $patch: _, ...rest } = template;
  return rest as unknown as PodTemplateSpec;
}

/** A patch that brings the template back, as `kubectl rollout undo` applies it. */
function templateData(template: PodTemplateSpec): JsonObject {
  return { spec: { template: { ...asJson(template), $patch: "replace" } } };
}
