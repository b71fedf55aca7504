/** A rule's path: segments, of which `{name}` stands for any one. */
export type PathPattern = readonly string[];

/** What of a request's path lies beyond the pattern. */
export interface PathMatch {
  readonly extra: readonly string[];
  /** How well it fits: first by length, then by the number of segments that are not `{…}`. */
  readonly weight: number;
}

export function parsePathPattern(path: string): PathPattern {
  return path.split("/").filter((segment) => segment !== "");
}

/**
 * Whether the pattern is the beginning of a path, segment by segment. KubeEdge searches for it anywhere in the address, so
 * that another rule may answer (cloud.md 14.4, 38).
 */
export function matchPath(pattern: PathPattern, path: readonly string[]): PathMatch | undefined {
  if (pattern.length > path.length) return undefined;
  let literalCount = 0;
  for (const [index, segment] of pattern.entries()) {
    if (/^\{.*\}$/.test(segment)) continue;
    if (segment !== path[index]) return undefined;
    literalCount++;
  }
  return { extra: path.slice(pattern.length), weight: pattern.length * 1_000 + literalCount };
}
