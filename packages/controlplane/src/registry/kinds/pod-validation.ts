import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { duplicate, type FieldError, fieldNotFound, forbiddenField, invalidValue, required } from "../field-error.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/**
 * Rules of a pod spec at `path`; required members and fixed choices are checked by the type table.
 * @param claims volumes that each pod gets besides its own, by the templates of a StatefulSet
 */
export function validatePodSpec(spec: JsonObject, path: string, claims: readonly string[] = []): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set<string>();
  for (const [index, volume] of objectsIn(spec["volumes"]).entries()) {
    const name = textAt(volume, "name");
    const at = `${path}.volumes[${index}].name`;
    if (name !== "" && !LABEL.test(name)) errors.push(invalidValue(at, name, LABEL_RULE));
    if (volumes.has(name)) errors.push(duplicate(at, name));
    volumes.add(name);
    const sources = Object.keys(volume).filter((member) => member !== "name");
    for (const second of sources.slice(1))
      errors.push(forbiddenField(`${path}.volumes[${index}].${second}`, "may not specify more than 1 volume type"));
  }
  for (const claim of claims) volumes.add(claim); // One of the same name takes the place of the template's volume.
  const containers = objectsIn(spec["containers"]);
  if (containers.length === 0) errors.push(required(`${path}.containers`));
  const names = new Set<string>();
  for (const list of ["initContainers", "containers"])
    for (const [index, container] of objectsIn(spec[list]).entries())
      errors.push(...validateContainer(container, `${path}.${list}[${index}]`, names, volumes));
  const grace = numberAt(spec, "terminationGracePeriodSeconds");
  if (grace !== undefined && grace < 0)
    errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than or equal to 0"));
  return errors;
}

/** Rules of one container. @param names of the containers before it, to which its own is added */
export function validateContainer(
  container: JsonObject,
  path: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, "name");
  if (name !== "" && !LABEL.test(name)) errors.push(invalidValue(`${path}.name`, name, LABEL_RULE));
  if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
  names.add(name);
  const image = textAt(container, "image");
  if (image === "") errors.push(required(`${path}.image`));
  else if (image !== image.trim())
    errors.push(invalidValue(`${path}.image`, image, "must not have leading or trailing whitespace"));
  for (const [index, port] of objectsIn(container["ports"]).entries())
    for (const member of ["containerPort", "hostPort"]) {
      const value = numberAt(port, member);
      if (value !== undefined && (value < 1 || value > 65_535) && !(member === "hostPort" && value === 0))
        errors.push(invalidValue(`${path}.ports[${index}].${member}`, value, "must be between 1 and 65535, inclusive"));
    }
  const mounts = new Set<string>();
  for (const [index, mount] of objectsIn(container["volumeMounts"]).entries()) {
    const at = `${path}.volumeMounts[${index}]`;
    const volume = textAt(mount, "name");
    if (volume !== "" && !volumes.has(volume)) errors.push(fieldNotFound(`${at}.name`, volume));
    const mountPath = textAt(mount, "mountPath");
    if (mounts.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, "must be unique"));
    mounts.add(mountPath);
    const subPath = textAt(mount, "subPath");
    if (subPath.startsWith("/")) errors.push(invalidValue(`${at}.subPath`, subPath, "must be a relative path"));
    if (subPath.split("/").includes("..")) errors.push(invalidValue(`${at}.subPath`, subPath, "must not contain '..'"));
  }
  return errors;
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
