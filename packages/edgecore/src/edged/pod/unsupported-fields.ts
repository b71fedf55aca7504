import type { Container, Pod } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { listAt, objectAt } from "../json-access.ts";

/** Which of the pod's lists a container is in. */
type Role = "container" | "init" | "ephemeral";

/** A field that this node does not carry out: the pod runs without it, and an Event says so. */
export interface UnsupportedField {
  /** As the API's types name it; docs/pod-spec.md lists the same. */
  readonly type: string;
  readonly member: string;
  /** What happens instead. */
  readonly note: string;
  /** Left out: whenever it is there. */
  readonly counts?: (value: JsonValue, role: Role) => boolean;
}

const isNotEmpty = (value: JsonValue): boolean => !Array.isArray(value) || value.length > 0;
const isTrue = (value: JsonValue): boolean => value === true;
const NO_CONTEXT = "the runtime's default is used";

export const UNSUPPORTED_FIELDS: readonly UnsupportedField[] = [
  { type: "PodSpec", member: "runtimeClassName", note: "the default runtime is used" },
  { type: "PodSpec", member: "resourceClaims", note: "no device is allocated", counts: isNotEmpty },
  { type: "PodSpec", member: "hostUsers", note: "no user namespace is made", counts: (value) => value === false },
  { type: "PodSpec", member: "hostnameOverride", note: "the pod has its usual host name" },
  { type: "PodSpec", member: "overhead", note: "it is not taken into account" },
  { type: "PodSpec", member: "resources", note: "only the containers' own limits count" },
  { type: "PodSpec", member: "setHostnameAsFQDN", note: "the host name is the short one", counts: isTrue },
  { type: "PodSpec", member: "subdomain", note: "no name resolves to it" },
  {
    type: "PodSpec",
    member: "os",
    note: "it runs Linux",
    counts: (value) => isJsonObject(value) && value["name"] !== "linux",
  },
  { type: "PodSecurityContext", member: "seLinuxOptions", note: NO_CONTEXT },
  { type: "PodSecurityContext", member: "seLinuxChangePolicy", note: NO_CONTEXT },
  { type: "PodSecurityContext", member: "appArmorProfile", note: NO_CONTEXT },
  {
    type: "PodSecurityContext",
    member: "supplementalGroupsPolicy",
    note: "groups of the image count too",
    counts: (value) => value === "Strict",
  },
  { type: "SecurityContext", member: "seLinuxOptions", note: NO_CONTEXT },
  { type: "SecurityContext", member: "appArmorProfile", note: NO_CONTEXT },
  {
    type: "SecurityContext",
    member: "procMount",
    note: "/proc is masked as usual",
    counts: (value) => value === "Unmasked",
  },
  { type: "Container", member: "volumeDevices", note: "no block device is given", counts: isNotEmpty },
  {
    type: "Container",
    member: "restartPolicy",
    note: "the pod's counts",
    counts: (value, role) => role !== "init" || value !== "Always",
  },
  { type: "Container", member: "restartPolicyRules", note: "the pod's restartPolicy counts", counts: isNotEmpty },
  { type: "Lifecycle", member: "stopSignal", note: "the image's signal is sent" },
  { type: "Probe", member: "grpc", note: "counts as failing" },
  { type: "Probe", member: "terminationGracePeriodSeconds", note: "the pod's counts" },
  {
    type: "VolumeMount",
    member: "recursiveReadOnly",
    note: "mounts below it stay writable",
    counts: (value) => value !== "Disabled",
  },
  { type: "ResourceRequirements", member: "claims", note: "no device is allocated", counts: isNotEmpty },
];

/** Fields of the pod that this node does not carry out, in words; each becomes an Event. */
export function unsupportedFields(pod: Pod): string[] {
  const found: string[] = [];
  for (const { type, where, role, object } of partsOf(pod)) {
    for (const { type: owner, member, note, counts } of UNSUPPORTED_FIELDS) {
      const value = owner === type ? object[member] : undefined;
      if (value !== undefined && value !== null && value !== "" && (counts?.(value, role) ?? true))
        found.push(`${where}${member} (${note})`);
    }
    if (type === "ResourceRequirements")
      for (const resource of Object.keys(objectAt(object, "limits") ?? {}))
        if (resource !== "cpu" && resource !== "memory") found.push(`${where}limits[${resource}] (not enforced)`);
  }
  return found;
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
  yield* part("Lifecycle", `${where}lifecycle.`, role, own["lifecycle"]);
  for (const kind of ["livenessProbe", "readinessProbe", "startupProbe"])
    yield* part("Probe", `${where}${kind}.`, role, own[kind]);
  for (const mount of listAt(own, "volumeMounts")) yield* part("VolumeMount", `${where}volumeMounts.`, role, mount);
}

function* part(type: string, where: string, role: Role, value: JsonValue | undefined): Iterable<Part> {
  if (isJsonObject(value)) yield { type, where, role, object: value };
}
