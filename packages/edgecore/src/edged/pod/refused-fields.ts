import type { Container, Pod } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { hasPodLimits } from "../container/pod-resources.ts";
import { isLimitCarriedOut } from "../container/resources.ts";
import { hostNamespaces } from "../container/security-context.ts";
import { isExtendedResource } from "../devices/container-devices.ts";
import { listAt, objectAt } from "../json-access.ts";
import type { RuntimeFeatures } from "../ports.ts";
import type { LimitsOfGroups } from "./provide-pod-group.ts";
import { handlerOf } from "./runtime-handler.ts";

/** Which of the pod's lists a container is in. */
type Role = "container" | "init" | "ephemeral";

/** A field that this node cannot carry out: its pod is not started, and an Event says so. */
export interface RefusedField {
  /** As the API's types name it; docs/pod-spec.md lists the same. */
  readonly type: string;
  readonly member: string;
  readonly why: string | ((asked: Asked) => string);
  /** Left out: whenever it is there. */
  readonly counts?: (value: JsonValue, asked: Asked) => boolean;
}

/** What the node can: its runtime, and the control groups of pods. */
export interface NodeFeatures extends RuntimeFeatures {
  readonly groupLimits: LimitsOfGroups;
}

/** Where a field was found. */
interface Asked {
  readonly pod: Pod;
  readonly role: Role;
  readonly features: NodeFeatures;
}

const isNotEmpty = (value: JsonValue): boolean => !Array.isArray(value) || value.length > 0;
const NO_DEVICES = "no device can be allocated here";
const NO_BLOCK_DEVICES = "volumes are given as folders only";

export const REFUSED_FIELDS: readonly RefusedField[] = [
  { type: "PodSpec", member: "resourceClaims", why: NO_DEVICES, counts: isNotEmpty },
  {
    type: "PodSpec",
    member: "hostUsers",
    why: ({ pod }) =>
      sharesHostNamespaces(pod)
        ? "not together with hostNetwork, hostPID or hostIPC"
        : "the container runtime does not say that it has user namespaces for pods; containerd does from 2.0 on",
    counts: (value, { pod, features }) =>
      value === false && (sharesHostNamespaces(pod) || handlerOf(pod, features)?.userNamespaces !== true),
  },
  {
    type: "PodSpec",
    member: "os",
    why: "the node runs Linux",
    counts: (value) => isJsonObject(value) && value["name"] !== "linux",
  },
  {
    type: "PodSpec",
    member: "resources",
    why: "several containers cannot share one limit here; give each container limits of its own",
    counts: (_value, { pod, features }) => !hasPodLimits(pod, beyondGroups(pod, features.groupLimits)),
  },
  {
    type: "PodSecurityContext",
    member: "supplementalGroupsPolicy",
    why: "the container runtime always adds the image's groups",
    counts: (value, { features }) => value === "Strict" && !features.onlyTheseGroups,
  },
  { type: "Container", member: "volumeDevices", why: NO_BLOCK_DEVICES, counts: isNotEmpty },
  {
    type: "ContainerRestartRule",
    member: "action",
    why: "only Restart can be done",
    counts: (value) => value !== "Restart",
  },
  {
    type: "VolumeMount",
    member: "recursiveReadOnly",
    why: "the container runtime cannot make mounts below it read-only",
    counts: (value, { pod, features }) =>
      value === "Enabled" && handlerOf(pod, features)?.recursiveReadOnlyMounts !== true,
  },
  { type: "ResourceRequirements", member: "claims", why: NO_DEVICES, counts: isNotEmpty },
];

/** Fields of the pod that this node cannot carry out, in words. */
export function refusedFields(pod: Pod, features: NodeFeatures): string[] {
  const found: string[] = [];
  for (const { type, where, role, object } of partsOf(pod)) {
    for (const { type: owner, member, why, counts } of REFUSED_FIELDS) {
      const value = owner === type ? object[member] : undefined;
      const asked: Asked = { pod, role, features };
      if (value !== undefined && value !== null && (counts?.(value, asked) ?? true))
        found.push(`${where}${member} (${typeof why === "string" ? why : why(asked)})`);
    }
    if (type === "ResourceRequirements")
      for (const resource of Object.keys(objectAt(object, "limits") ?? {}))
        if (!isLimitCarriedOut(resource) && !isExtendedResource(resource))
          found.push(`${where}limits[${resource}] (this node has no such resource)`);
  }
  return found;
}

function sharesHostNamespaces(pod: Pod): boolean {
  const { network, pid, ipc } = hostNamespaces(pod);
  return network || pid || ipc;
}

/** What the pod limits as a whole and its control group does not enforce. */
function beyondGroups({ spec }: Pod, groupLimits: LimitsOfGroups): string[] {
  const enforced = new Map(Object.entries(groupLimits));
  return Object.keys(spec.resources?.limits ?? {}).filter((name) => enforced.get(name) !== true);
}

/** A part of a pod, with the API's name of its type. */
interface Part {
  readonly type: string;
  readonly where: string;
  readonly role: Role;
  readonly object: JsonObject;
}

function* partsOf({ spec }: Pod): Iterable<Part> {
  const own = spec as unknown as JsonObject;
  yield { type: "PodSpec", where: "spec.", role: "container", object: own };
  yield* part("PodSecurityContext", "spec.securityContext.", "container", own["securityContext"]);
  for (const container of spec.containers) yield* partsOfContainer(container, "container");
  for (const container of spec.initContainers ?? []) yield* partsOfContainer(container, "init");
  for (const container of spec.ephemeralContainers ?? []) yield* partsOfContainer(container, "ephemeral");
}

function* partsOfContainer(container: Container, role: Role): Iterable<Part> {
  const where = `container ${container.name}: `;
  const own = container as unknown as JsonObject;
  yield { type: "Container", where, role, object: own };
  yield* part("SecurityContext", `${where}securityContext.`, role, own["securityContext"]);
  yield* part("ResourceRequirements", `${where}resources.`, role, own["resources"]);
  for (const rule of listAt(own, "restartPolicyRules"))
    yield* part("ContainerRestartRule", `${where}restartPolicyRules.`, role, rule);
  for (const mount of listAt(own, "volumeMounts")) yield* part("VolumeMount", `${where}volumeMounts.`, role, mount);
}

function* part(type: string, where: string, role: Role, value: JsonValue | undefined): Iterable<Part> {
  if (isJsonObject(value)) yield { type, where, role, object: value };
}
