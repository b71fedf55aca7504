import type { ApiResource } from "./api-path.ts";

/**
 * Whether objects of this kind are those of the resource: its name is the kind's plural, however it is built. Within one
 * group and version no two kinds come near to each other.
 */
export function isKindOf({ resource }: ApiResource, kind: string): boolean {
  const name = kind.toLowerCase();
  if (name === "") return false;
  const plurals = [name, `${name}s`, `${name}es`, name.replace(/y$/, "ies")];
  return plurals.includes(resource);
}
