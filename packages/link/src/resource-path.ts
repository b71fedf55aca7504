/** A resource path that names an object, or all of a type: `<namespace>/<type>[/<name>]` (wire.md 2.4). */
export interface ObjectPath {
  /** Undefined for cluster-scoped objects (`null` on the wire). */
  readonly namespace: string | undefined;
  /** Lower-case singular: `pod`, `configmap`, `nodepatch`, … */
  readonly type: string;
  readonly name: string | undefined;
}

/** Stands for "no namespace" on the wire. */
const CLUSTER_SCOPE = "null";

/** The wire form of an object's path. */
export function objectPath(namespace: string | undefined, type: string, name?: string): string {
  const path = `${namespace || CLUSTER_SCOPE}/${type}`;
  return name === undefined ? path : `${path}/${name}`;
}

/** Reads `<namespace>/<type>[/<name>]`; undefined when the path has another number of parts, or an empty one. */
export function parseObjectPath(resource: string | undefined): ObjectPath | undefined {
  const segments = (resource ?? "").split("/");
  if (segments.length < 2 || segments.length > 3 || segments.includes("")) return undefined;
  const [namespace = "", type = "", name] = segments;
  return { namespace: namespace === CLUSTER_SCOPE ? undefined : namespace, type, name };
}

/** A device's message: `device/<namespace>/<name>/<what…>`; undefined for any other path. */
export function parseDevicePath(
  resource: string | undefined,
): { readonly namespace: string; readonly name: string; readonly subject: string } | undefined {
  const segments = (resource ?? "").split("/");
  const [first, namespace = "", name = "", ...rest] = segments;
  if (first !== "device" || rest.length === 0 || segments.includes("")) return undefined;
  return { namespace, name, subject: rest.join("/") };
}

/**
 * Whether the path fits a pattern, part by part: `<x>` stands for exactly one part, `<x…>` at the end for one or more,
 * anything else for itself. Never substrings: an object named `membership-x` is no membership message (wire.md W3).
 */
export function matchesPattern(pattern: string, resource: string): boolean {
  const expected = pattern.split("/");
  const actual = resource.split("/");
  for (const [index, part] of expected.entries()) {
    const segment = actual[index];
    if (segment === undefined) return false;
    if (part.endsWith("…>")) return true;
    if (part.startsWith("<") ? segment === "" : segment !== part) return false;
  }
  return expected.length === actual.length;
}
