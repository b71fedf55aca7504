import type { Container, Pod } from "@skerry/api";
import { quantityToMilli, quantityToNumber } from "@skerry/kube";
import { invalidPod } from "../errors.ts";
import type { Allocatable } from "../node/allocatable.ts";

/** Facts of a pod that its containers may read. */
export interface PodFacts {
  readonly pod: Pod;
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** What limits default to: the node's own resources. */
  readonly allocatable: Allocatable;
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.*)'\]$/;

/**
 * Value of a downward API `fieldRef`.
 * @throws `EDGED_INVALID_POD` for a path that there is not
 */
export function fieldValue(facts: PodFacts, fieldPath: string): string {
  const { metadata, spec } = facts.pod;
  const subscript = SUBSCRIPT.exec(fieldPath);
  if (subscript) {
    const [, map = "", key = ""] = subscript;
    return (map === "labels" ? metadata.labels : metadata.annotations)?.[key] ?? "";
  }
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "default";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(metadata.labels ?? {});
    case "metadata.annotations":
      return formatMap(metadata.annotations ?? {});
    case "spec.nodeName":
      return facts.nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "default";
    case "status.hostIP":
      return facts.hostIps[0] ?? "";
    case "status.hostIPs":
      return facts.hostIps.join(",");
    case "status.podIP":
      return facts.podIps[0] ?? "";
    case "status.podIPs":
      return facts.podIps.join(",");
    default:
      throw invalidPod("fieldRef.fieldPath", `there is no field ${fieldPath}`);
  }
}

/** One `key="escaped value"` a line, sorted, as the kubelet writes labels into files. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/** The container that a `resourceFieldRef` names. @throws `EDGED_INVALID_POD` */
export function resourceContainer({ spec }: Pod, containerName: string): Container {
  const found = [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === containerName);
  if (!found) throw invalidPod("resourceFieldRef", `there is no container "${containerName}"`);
  return found;
}

/**
 * Value of a downward API `resourceFieldRef` in units of `divisor`, rounded up.
 * @throws `EDGED_INVALID_POD`
 */
export function resourceValue(
  facts: PodFacts,
  container: Container,
  resource: string,
  divisor: string | number | undefined,
): string {
  const [kind, name] = resource.split(".");
  const { limits = {}, requests = {} } = container.resources ?? {};
  const given = kind === "limits" ? limits[name ?? ""] : (requests[name ?? ""] ?? limits[name ?? ""]);
  const unit = divisor === undefined || String(divisor) === "0" ? "1" : divisor;
  switch (name) {
    case "cpu": {
      const milli = given === undefined ? (kind === "limits" ? facts.allocatable.cpuMilli : 0) : quantityToMilli(given);
      return String(Math.ceil(milli / quantityToMilli(unit)));
    }
    case "memory":
    case "ephemeral-storage": {
      const { memoryBytes, storageBytes } = facts.allocatable;
      const most = name === "memory" ? memoryBytes : storageBytes;
      const bytes = given === undefined ? (kind === "limits" ? most : 0) : quantityToNumber(given);
      return String(Math.ceil(bytes / quantityToNumber(unit)));
    }
    default:
      if (name?.startsWith("hugepages-"))
        return String(Math.ceil(quantityToNumber(given ?? 0) / quantityToNumber(unit)));
      throw invalidPod("resourceFieldRef.resource", `there is no resource ${resource}`);
  }
}
