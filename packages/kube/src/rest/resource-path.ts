import type { CollectionTarget, ObjectTarget } from "../kubernetes-api.ts";

/** The REST path of a collection. */
export function collectionPath(target: CollectionTarget): string {
  const { group, version, resource } = target.resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const namespace = target.namespace === undefined ? "" : `/namespaces/${encodeURIComponent(target.namespace)}`;
  return `${root}${namespace}/${resource}`;
}

/** The REST path of an object, or of one of its subresources. */
export function objectPath(target: ObjectTarget): string {
  const subresource = target.subresource ? `/${encodeURIComponent(target.subresource)}` : "";
  return `${collectionPath(target)}/${encodeURIComponent(target.name)}${subresource}`;
}
