import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue } from "../field-error.ts";
import { qosClass } from "./pod-qos.ts";

const RESIZABLE: ReadonlySet<string> = new Set(["cpu", "memory"]);

/** The pod's spec with the resources, and only those, of the containers that the client sent. */
export function withResizedContainers(before: JsonObject, sent: JsonObject): JsonObject {
  const resized: JsonObject = { ...before };
  for (const list of ["containers", "initContainers"]) {
    if (before[list] === undefined) continue;
    const given = new Map(objectsIn(sent[list]).map((container) => [textAt(container, "name"), container]));
    resized[list] = objectsIn(before[list]).map((container) => {
      const { resources, resizePolicy } = given.get(textAt(container, "name")) ?? container;
      return {
        ...container,
        ...(resources === undefined ? {} : { resources }),
        ...(resizePolicy === undefined ? {} : { resizePolicy }),
      };
    });
  }
  return resized;
}

/** What `pods/resize` may change: processor time and memory, within the pod's quality-of-service class. */
export function validateResize(next: JsonObject, previous: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
  for (const list of ["containers", "initContainers"]) {
    const old = objectsIn(before[list]);
    for (const [index, container] of objectsIn(after[list]).entries()) {
      const path = `spec.${list}[${index}].resources`;
      const isSidecar = list === "containers" || textAt(container, "restartPolicy") === "Always";
      if (!isSidecar && !jsonEqual(container["resources"] ?? {}, old[index]?.["resources"] ?? {}))
        errors.push(forbiddenField(path, "only containers and sidecar containers can be resized"));
      for (const kind of ["limits", "requests"]) {
        const [now, then] = [container, old[index] ?? {}].map((each) => objectAt(objectAt(each, "resources"), kind));
        for (const name of new Set([...Object.keys(now ?? {}), ...Object.keys(then ?? {})]))
          if (!RESIZABLE.has(name) && !jsonEqual(now?.[name] ?? null, then?.[name] ?? null))
            errors.push(forbiddenField(`${path}.${kind}[${name}]`, "only cpu and memory resources are mutable"));
          else if (RESIZABLE.has(name) && now?.[name] === undefined)
            errors.push(forbiddenField(`${path}.${kind}[${name}]`, `resource ${kind} cannot be removed`));
      }
    }
  }
  const [quality, earlier] = [qosClass(after), qosClass(before)];
  if (quality !== earlier)
    errors.push(
      invalidValue("spec", quality, `Pod QOS Class may not change as a result of resizing: it is ${earlier}`),
    );
  return errors;
}
