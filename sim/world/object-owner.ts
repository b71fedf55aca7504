import type { Device, KubernetesObject, Pod } from "@skerry/api";
import { privateOwnerOf } from "../workload/names.ts";

/** The only node that may have this object; undefined when several may. */
export function ownerOf(object: KubernetesObject): string | undefined {
  switch (object.kind) {
    case "Pod":
      return (object as Pod).spec.nodeName ?? "";
    case "Device":
      return (object as Device).spec?.nodeName ?? "";
    default:
      return privateOwnerOf(object.metadata.name);
  }
}
