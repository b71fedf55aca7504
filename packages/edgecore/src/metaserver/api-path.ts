/** A kind of object as the API's paths name it. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural. */
  readonly resource: string;
}

/** What the path of a request is about. */
export type ApiPath =
  /** The API server itself: its version, what it serves. */
  | { readonly kind: "about"; readonly path: string }
  | { readonly kind: "health" }
  | {
      readonly kind: "resource";
      readonly resource: ApiResource;
      /** Empty for cluster-wide objects, and for all namespaces. */
      readonly namespace: string;
      /** Empty for the collection. */
      readonly name: string;
      readonly subresource: string;
    }
  | { readonly kind: "unknown" };

const ABOUT = [/^\/(version|api|apis)$/, /^\/openapi\/v[23]$/, /^\/openapi\/v3\/(api|apis)(\/[a-z0-9.-]+)*$/];
const HEALTH = /^\/(healthz|livez|readyz)$/;
const UNKNOWN: ApiPath = { kind: "unknown" };

/** Reads a request's path by the API server's rules. */
export function parseApiPath(rawPath: string): ApiPath {
  const path = rawPath.length > 1 ? rawPath.replace(/\/$/, "") : rawPath;
  if (HEALTH.test(path)) return { kind: "health" };
  if (ABOUT.some((pattern) => pattern.test(path))) return { kind: "about", path };
  const parts = decoded(path);
  if (!parts) return UNKNOWN;
  const [root, ...rest] = parts;
  if (root !== "api" && root !== "apis") return UNKNOWN;
  const [group = "", version, ...target] = root === "api" ? ["", ...rest] : rest;
  if (version === undefined || target.length === 0) return { kind: "about", path };
  return resourceAt(group, version, target);
}

function resourceAt(group: string, version: string, target: readonly string[]): ApiPath {
  const [first = "", second, third, ...rest] = target;
  const isInNamespace = first === "namespaces" && second !== undefined && third !== undefined;
  // `/namespaces/<n>/status` and `/finalize` are the Namespace's own.
  const isNamespacesOwn = isInNamespace && rest.length === 0 && ["status", "finalize"].includes(third);
  const [resource = "", name = "", subresource = "", ...more] =
    isInNamespace && !isNamespacesOwn ? [third, ...rest] : target;
  if (more.length > 0) return UNKNOWN;
  const namespace = isInNamespace && !isNamespacesOwn ? second : "";
  return { kind: "resource", resource: { group, version, resource }, namespace, name, subresource };
}

/** The path's parts; undefined where one is empty, or would lead elsewhere once decoded. */
function decoded(path: string): string[] | undefined {
  try {
    const parts = path.slice(1).split("/").map(decodeURIComponent);
    return parts.some((part) => part === "" || part === "." || part === ".." || part.includes("/")) ? undefined : parts;
  } catch {
    return undefined;
  }
}

/** The key of an application (wire.md 12.4): of an object, or with an empty `name` of the collection. */
export function applicationKey({ group, version, resource }: ApiResource, namespace: string, name: string): string {
  return `/${group || "core"}/${version}/${resource}/${namespace || "null"}/${name || "null"}`;
}

/** `v1`, `apps/v1`, … */
export function apiVersionOf({ group, version }: ApiResource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** How the store names a kind. */
export function resourceText({ group, version, resource }: ApiResource): string {
  return `${group}/${version}/${resource}`;
}
