import { isJsonObject, type JsonValue } from "@skerry/base";
import { badRequest } from "@skerry/kube";
import { type ApiObject, asApiObject } from "./api-object.ts";
import { continueExpired } from "./status-errors.ts";
import { parseObject, type StoreView } from "./store-session.ts";

/** Where the next page of a list begins. */
export interface ContinueToken {
  readonly revision: number;
  /** `namespace/name` of the last object that was handed out. */
  readonly after: string;
}

/** The collection as it was at `revision`: today's state with the later changes undone. @throws ApiError 410 */
export function objectsAt(
  view: StoreView,
  resource: string,
  namespace: string | undefined,
  revision: number,
): ApiObject[] {
  if (revision >= view.revision) return view.list(resource, namespace);
  if (revision < view.compactedRevision) throw continueExpired();
  const before = new Map<string, string | undefined>();
  for (const change of view.changesOf(resource, revision)) {
    const path = `${change.key.namespace}/${change.key.name}`;
    if (namespace !== undefined && change.key.namespace !== namespace) continue;
    if (!before.has(path)) before.set(path, change.previousText);
  }
  const objects = new Map<string, ApiObject>();
  for (const { key, text } of view.texts(resource, namespace)) {
    const path = `${key.namespace}/${key.name}`;
    if (!before.has(path)) objects.set(path, parseObject(text));
  }
  for (const [path, text] of before) if (text !== undefined) objects.set(path, asApiObject(JSON.parse(text)));
  return [...objects.entries()].sort(([left], [right]) => comparePaths(left, right)).map(([, object]) => object);
}

/** Orders `namespace/name` paths as the store lists them. */
export function comparePaths(left: string, right: string): number {
  const [leftNamespace = "", leftName = ""] = left.split("/");
  const [rightNamespace = "", rightName = ""] = right.split("/");
  if (leftNamespace !== rightNamespace) return leftNamespace < rightNamespace ? -1 : 1;
  return leftName === rightName ? 0 : leftName < rightName ? -1 : 1;
}

/** `namespace/name` of an object. */
export function pathOfObject(object: ApiObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
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
