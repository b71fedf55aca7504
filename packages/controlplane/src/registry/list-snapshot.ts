import { isJsonObject, type JsonValue } from "@skerry/base";
import { badRequest } from "@skerry/kube";
import { continueExpired } from "./status-errors.ts";
import type { StoreView } from "./store-session.ts";

/** Where the next page of a list begins. */
export interface ContinueToken {
  readonly revision: number;
  /** `namespace/name` of the last object that was handed out. */
  readonly after: string;
}

/** One object of a collection, not parsed yet: a page needs few of them. */
export interface StoredEntry {
  /** `namespace/name`. */
  readonly path: string;
  readonly text: string;
}

/** What of the store a list is about. */
export interface StoredCollection {
  readonly resource: string;
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined;
  /** Only the pods of this node are asked for; there may be others among the entries. */
  readonly nodeName?: string;
}

/**
 * The collection as it was at `revision`, in order: today's state with the later changes undone.
 * @throws ApiError 410
 */
export function entriesAt(
  view: StoreView,
  { resource, namespace, nodeName }: StoredCollection,
  revision: number,
): StoredEntry[] {
  const isNow = revision === view.revision;
  const texts =
    isNow && nodeName !== undefined ? view.podTextsOn(nodeName, namespace) : view.texts(resource, namespace);
  const present = texts.map(({ key, text }): StoredEntry => ({ path: `${key.namespace}/${key.name}`, text }));
  if (isNow) return present;
  // One of the future is of a time that a restored backup knows nothing of.
  if (revision > view.revision || revision < view.compactedRevision) throw continueExpired();
  const before = new Map<string, string | undefined>();
  for (const { key, previousText } of view.changesOf(resource, revision)) {
    const path = `${key.namespace}/${key.name}`;
    if (namespace !== undefined && key.namespace !== namespace) continue;
    if (!before.has(path)) before.set(path, previousText);
  }
  const entries = present.filter(({ path }) => !before.has(path));
  for (const [path, text] of before) if (text !== undefined) entries.push({ path, text });
  return entries.sort((left, right) => comparePaths(left.path, right.path));
}

/** Orders `namespace/name` paths as the store lists them. */
export function comparePaths(left: string, right: string): number {
  const [leftNamespace = "", leftName = ""] = left.split("/");
  const [rightNamespace = "", rightName = ""] = right.split("/");
  if (leftNamespace !== rightNamespace) return leftNamespace < rightNamespace ? -1 : 1;
  return leftName === rightName ? 0 : leftName < rightName ? -1 : 1;
}

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: token.revision, start: token.after })).toString(
    "base64url",
  );
}

/** @throws ApiError BadRequest */
export function decodeContinue(text: string): ContinueToken {
  const decoded = Buffer.from(text, "base64url").toString("utf8");
  let value: JsonValue;
  try {
    value = JSON.parse(decoded) as JsonValue;
  } catch {
    const [first = ""] = decoded;
    const why = /^[\s{["\d-]/.test(first) ? "" : `: invalid character '${first}' looking for beginning of value`;
    throw badRequest(`invalid continue token: continue key is not valid${why}`);
  }
  if (!isJsonObject(value) || !Number.isSafeInteger(value["rv"]) || typeof value["start"] !== "string")
    throw badRequest("invalid continue token: continue key is not valid");
  return { revision: Number(value["rv"]), after: value["start"] };
}
