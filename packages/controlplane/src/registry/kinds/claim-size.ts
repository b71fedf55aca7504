import type { JsonObject } from "@skerry/base";
import { isQuantity, quantityToNumber } from "@skerry/kube";

/** The storage among quantities, in bytes; 0 where none can be read: other rules refuse such. */
export function storageBytes(quantities: JsonObject): number {
  const size = quantities["storage"];
  const isSize = (typeof size === "string" || typeof size === "number") && isQuantity(String(size));
  return isSize ? quantityToNumber(size) : 0;
}
