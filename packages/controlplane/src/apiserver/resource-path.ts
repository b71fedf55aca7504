import { badRequest } from "@skerry/kube";

/** What a path of the API is about. */
export type RequestPath =
  | { readonly kind: "other"; readonly path: string }
  | {
      readonly kind: "resource";
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      /** Empty: all namespaces, or a cluster-scoped resource. */
      readonly namespace: string;
      readonly name: string;
      readonly subresource: string;
      /** What follows `…/proxy` of a node, pod or service, encoded as it came, with its slash if any; undefined elsewhere. */
      readonly proxyPath?: string;
      /** The old `/watch/` form. */
      readonly watch: boolean;
    };

/** Resources whose subresource `proxy` has paths of its own. */
const PROXIED: ReadonlySet<string> = new Set(["nodes", "pods", "services"]);

/** Splits a path by the rules of the Kubernetes API. @throws ApiError BadRequest when it is badly encoded */
export function parseResourcePath(path: string): RequestPath {
  let parts: string[];
  try {
    parts = path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    throw badRequest("the path is not well encoded");
  }
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return { kind: "other", path };
  const [group = "", version = ""] = isCore ? ["", parts[1]] : [parts[1], parts[2]];
  let rest = parts.slice(isCore ? 2 : 3);
  const watch = rest[0] === "watch";
  if (watch) rest = rest.slice(1);
  if (rest.length === 0) return { kind: "other", path };
  let namespace = "";
  // A namespace's own subresources are not resources within it.
  if (rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "status" && rest[2] !== "finalize") {
    namespace = rest[1] ?? "";
    rest = rest.slice(2);
  }
  const [resource = "", name = "", ...sub] = rest;
  const isProxy = isCore && PROXIED.has(resource) && sub[0] === "proxy";
  if (sub.length > 1 && !isProxy) return { kind: "other", path };
  const proxyPath = isProxy ? { proxyPath: pathBehind(path, parts.length - sub.length + 1) } : {};
  return {
    kind: "resource",
    group,
    version,
    resource,
    namespace,
    name,
    subresource: sub[0] ?? "",
    watch,
    ...proxyPath,
  };
}

/** What follows the first segments of a path, empty ones not counted. */
function pathBehind(path: string, segments: number): string {
  const [skipped = ""] = new RegExp(`^(/*[^/]+){${segments}}`).exec(path) ?? [];
  return path.slice(skipped.length);
}
