import { ApiError, failureStatus } from "../api-error.ts";
import type { CollectionTarget, ObjectTarget } from "../kubernetes-api.ts";

/** The REST path of a collection. @throws ApiError BadRequest when a name is empty or would lead elsewhere */
export function collectionPath(target: CollectionTarget): string {
  const { group, version, resource } = target.resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const namespace = target.namespace === undefined ? "" : `/namespaces/${segment("namespace", target.namespace)}`;
  return `${root}${namespace}/${resource}`;
}

/** The REST path of an object, or of one of its subresources. @throws ApiError BadRequest, see {@link collectionPath} */
export function objectPath(target: ObjectTarget): string {
  const subresource = target.subresource ? `/${encodeURIComponent(target.subresource)}` : "";
  return `${collectionPath(target)}/${segment("name", target.name)}${subresource}`;
}

/** Dots are not encoded, and every URL parser takes `..` for the folder above: another resource would be meant. */
function segment(what: string, name: string): string {
  if (name === "" || name === "." || name === "..")
    throw new ApiError(failureStatus(400, "BadRequest", `${JSON.stringify(name)} is no ${what} of an object`));
  return encodeURIComponent(name);
}
