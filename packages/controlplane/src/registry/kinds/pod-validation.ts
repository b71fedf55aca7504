import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, required } from "../field-error.ts";
import { validateContainers } from "../validation/container-validation.ts";
import { labelRule, nameErrors, subdomainRule } from "../validation/name-rules.ts";
import { INT32_MAX, within } from "../validation/number-rules.ts";
import { validateScheduling } from "../validation/scheduling-validation.ts";
import { validatePodSecurityContext } from "../validation/security-context-validation.ts";
import { validateVolumes } from "../validation/volume-validation.ts";

/** Members of a pod spec that are names, by their rules. */
const NAMES = {
  serviceAccountName: subdomainRule,
  nodeName: subdomainRule,
  priorityClassName: subdomainRule,
  runtimeClassName: subdomainRule,
  hostname: labelRule,
  subdomain: labelRule,
};

/**
 * Rules of a pod spec at `path`; required members and fixed choices are checked by the type table.
 * @param claims volumes that each pod gets besides its own, by the templates of a StatefulSet
 */
export function validatePodSpec(spec: JsonObject, path: string, claims: readonly string[] = []): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set<string>();
  errors.push(...validateVolumes(spec, path, volumes));
  for (const claim of claims) volumes.add(claim); // One of the same name takes the place of the template's volume.
  if (objectsIn(spec["containers"]).length === 0) errors.push(required(`${path}.containers`));
  errors.push(...validateContainers(spec, path, volumes), ...validateScheduling(spec, path));
  errors.push(...validatePodSecurityContext(objectAt(spec, "securityContext"), `${path}.securityContext`));
  errors.push(...within(spec, path, ["activeDeadlineSeconds"], [1, INT32_MAX]));
  for (const [member, rule] of Object.entries(NAMES)) {
    const name = textAt(spec, member);
    if (name !== "") errors.push(...nameErrors(rule, `${path}.${member}`, name));
  }
  return [...errors, ...nameServerErrors(spec, `${path}.dnsConfig`), ...hostUsersErrors(spec, path)];
}

/** What a pod with users of its own cannot share with the machine, by the names that Kubernetes gives the fields here. */
const NOT_WITHOUT_HOST_USERS = [
  ["hostNetwork", "hostNetwork"],
  ["hostPID", "HostPID"],
  ["hostIPC", "HostIPC"],
] as const;

function hostUsersErrors(spec: JsonObject, path: string): FieldError[] {
  if (spec["hostUsers"] !== false) return [];
  return NOT_WITHOUT_HOST_USERS.filter(([member]) => spec[member] === true).map(([, named]) =>
    forbiddenField(`${path}.${named}`, "when `hostUsers` is false"),
  );
}

function nameServerErrors(spec: JsonObject, path: string): FieldError[] {
  if (spec["dnsPolicy"] !== "None") return [];
  if (spec["dnsConfig"] === undefined) return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
  const { nameservers } = objectAt(spec, "dnsConfig");
  return Array.isArray(nameservers) && nameservers.length > 0
    ? []
    : [required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
}

const IMMUTABLE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** What an update of a pod may change. */
export function validatePodUpdate(next: JsonObject, previous: JsonObject): FieldError[] {
  const [after, before] = [structuredClone(objectAt(next, "spec")), structuredClone(objectAt(previous, "spec"))];
  for (const list of ["containers", "initContainers"]) {
    const containers = objectsIn(before[list]);
    for (const [index, container] of objectsIn(after[list]).entries()) {
      const old = containers[index];
      if (old && container["name"] === old["name"]) container["image"] = old["image"];
    }
  }
  const kept = objectsIn(before["tolerations"]).every((old) =>
    objectsIn(after["tolerations"]).some((toleration) => jsonEqual(toleration, old)),
  );
  for (const member of ["activeDeadlineSeconds", ...(kept ? ["tolerations"] : [])]) {
    delete after[member];
    delete before[member];
  }
  return jsonEqual(after, before) ? [] : [forbiddenField("spec", IMMUTABLE)];
}
