import type { JsonObject } from "@skerry/base";
import { objectAt } from "../api-object.ts";

/** Annotations, the older one too, of the class that claims get which name none. */
const MARKS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/** Whether claims that name no class get this one. */
export function isDefaultClass(storageClass: JsonObject): boolean {
  const annotations = objectAt(objectAt(storageClass, "metadata"), "annotations");
  return MARKS.some((mark) => annotations[mark] === "true");
}
