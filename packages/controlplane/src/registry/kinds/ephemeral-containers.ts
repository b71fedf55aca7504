import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, fieldNotFound, forbiddenField } from "../field-error.ts";
import { validateContainer } from "../validation/container-validation.ts";

/** Members of a container that make no sense for one that is only looked in with. */
const FORBIDDEN = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy"];

/** A pod begins without them. */
export function refuseEphemeralContainers(pod: JsonObject): FieldError[] {
  const isGiven = objectsIn(objectAt(pod, "spec")["ephemeralContainers"]).length > 0;
  return isGiven ? [forbiddenField("spec.ephemeralContainers", "cannot be set on create")] : [];
}

/** What `pods/ephemeralcontainers` may change: containers can be added, and stay as they are. */
export function validateEphemeralContainers(next: JsonObject, previous: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const spec = objectAt(next, "spec");
  const added = objectsIn(spec["ephemeralContainers"]);
  const list = "spec.ephemeralContainers";
  for (const before of objectsIn(objectAt(previous, "spec")["ephemeralContainers"])) {
    const name = textAt(before, "name");
    const after = added.find((container) => container["name"] === name);
    if (!after) errors.push(forbiddenField(list, `existing ephemeral containers "${name}" may not be removed`));
    else if (!jsonEqual(after, before))
      errors.push(forbiddenField(list, `existing ephemeral containers "${name}" may not be changed`));
  }
  const proper = objectsIn(spec["containers"]).map((container) => textAt(container, "name"));
  const initial = objectsIn(spec["initContainers"]).map((container) => textAt(container, "name"));
  const names = new Set([...proper, ...initial]);
  const volumes = new Set(objectsIn(spec["volumes"]).map((volume) => textAt(volume, "name")));
  for (const [index, container] of added.entries()) {
    const path = `${list}[${index}]`;
    errors.push(...validateContainer(container, path, names, volumes));
    const target = textAt(container, "targetContainerName");
    if (target !== "" && !proper.includes(target) && !initial.includes(target))
      errors.push(fieldNotFound(`${path}.targetContainerName`, target));
    for (const member of FORBIDDEN)
      if (container[member] !== undefined)
        errors.push(forbiddenField(`${path}.${member}`, "cannot be set for an Ephemeral Container"));
    if (Object.keys(objectAt(container, "resources")).length > 0)
      errors.push(forbiddenField(`${path}.resources`, "cannot be set for an Ephemeral Container"));
    for (const [at, mount] of objectsIn(container["volumeMounts"]).entries())
      if (textAt(mount, "subPath") !== "")
        errors.push(forbiddenField(`${path}.volumeMounts[${at}].subPath`, "cannot be set for an Ephemeral Container"));
  }
  return errors;
}
