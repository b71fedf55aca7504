import type { ObjectList } from "@skerry/api";
import { badRequest, isResourceVersion, type ListOptions } from "@skerry/kube";
import type { ApiObject } from "./api-object.ts";
import {
  comparePaths,
  decodeContinue,
  encodeContinue,
  entriesAt,
  type StoredCollection,
  type StoredEntry,
} from "./list-snapshot.ts";
import { present } from "./present.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { continueExpired, revisionTooLarge } from "./status-errors.ts";
import { parseObject, type StoreView } from "./store-session.ts";

/** A collection, in one namespace or in all. */
export interface CollectionAt {
  readonly definition: ResourceDefinition;
  readonly namespace: string | undefined;
}

/** Lists a collection with selectors and pages. @throws ApiError BadRequest, 410 Expired, 504 Timeout */
export function listCollection(view: StoreView, at: CollectionAt, options: ListOptions): ObjectList<ApiObject> {
  const { definition } = at;
  const selection = selectionOf(definition, options.labelSelector, options.fieldSelector);
  const token = options.continue ? decodeContinue(options.continue) : undefined;
  const revision = token?.revision ?? revisionFor(view, options);
  const after = token?.after;
  const entries = entriesAt(view, storedCollection(at, selection), revision);
  const rest = after === undefined ? entries : entries.filter(({ path }) => comparePaths(path, after) > 0);
  const limit = options.limit !== undefined && options.limit > 0 ? options.limit : Number.POSITIVE_INFINITY;
  const items: ApiObject[] = [];
  let last: StoredEntry | undefined;
  let remaining = 0;
  for (const [index, entry] of rest.entries()) {
    if (items.length === limit && selection.everything) {
      remaining = rest.length - index;
      break;
    }
    const object = parseObject(entry.text);
    if (!selection.matches(object)) continue;
    if (items.length === limit) {
      remaining = 1; // At least.
      break;
    }
    items.push(object);
    last = entry;
  }
  const { group, version, kind } = definition.reference;
  return {
    kind: `${kind}List`,
    apiVersion: group === "" ? version : `${group}/${version}`,
    metadata: {
      resourceVersion: String(revision),
      ...(last && remaining > 0
        ? {
            continue: encodeContinue({ revision, after: last.path }),
            // Kubernetes does not count what a selector leaves out.
            ...(selection.everything ? { remainingItemCount: remaining } : {}),
          }
        : {}),
    },
    items: items.map((item) => present(definition, item)),
  };
}

/** What of the store has to be read for a selection of a collection. */
export function storedCollection({ definition, namespace }: CollectionAt, { nodeName }: Selection): StoredCollection {
  return { resource: definition.storageKey, namespace, ...(nodeName === undefined ? {} : { nodeName }) };
}

function revisionFor(view: StoreView, options: ListOptions): number {
  const asked = options.resourceVersion;
  const current = view.revision;
  if (asked === undefined || asked === "" || asked === "0") return current;
  const revision = requireKnownRevision(view, asked);
  if (options.resourceVersionMatch !== "Exact") return current;
  if (revision < view.compactedRevision) throw continueExpired();
  return revision;
}

/** The revision that is asked for; 0 for any. @throws ApiError BadRequest, 504 Timeout when it is not reached yet */
export function requireKnownRevision(view: StoreView, asked: string): number {
  if (asked === "") return 0;
  if (!isResourceVersion(asked))
    throw badRequest(`resourceVersion: Invalid value: "${asked.slice(0, 64)}": invalid syntax`);
  const revision = Number(asked);
  if (revision > view.revision) throw revisionTooLarge(revision, view.revision);
  return revision;
}
