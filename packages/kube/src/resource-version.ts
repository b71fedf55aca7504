import { badResourceVersion } from "./errors.ts";

/**
 * Orders two resourceVersions as unsigned integers of any length: negative when `left` is older, 0 when equal.
 * @throws SkerryError `KUBE_BAD_RESOURCE_VERSION` when one is not an unsigned integer.
 */
export function compareResourceVersions(left: string, right: string): number {
  const a = normalize(left);
  const b = normalize(right);
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether `text` is an unsigned integer, as every resourceVersion of an API server is. */
export function isResourceVersion(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function normalize(text: string): string {
  if (!isResourceVersion(text)) throw badResourceVersion(text);
  return text.replace(/^0+(?=.)/, "");
}
