import { type ApiObject, asJsonObject, ensureObject, setDefault, textAt } from "../registry/api-object.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden } from "../registry/status-errors.ts";

const PRIORITY_CLASSES = "scheduling.k8s.io/priorityclasses";

/** Gives a pod the priority of its class, or of the default one. @throws ApiError Forbidden */
export function admitPriority(definition: ResourceDefinition, pod: ApiObject, { session }: WriteScope): void {
  const spec = ensureObject(asJsonObject(pod), "spec");
  const className = textAt(spec, "priorityClassName");
  const found =
    className === ""
      ? session.list(PRIORITY_CLASSES).find((candidate) => candidate["globalDefault"] === true)
      : session.get({ resource: PRIORITY_CLASSES, namespace: "", name: className });
  if (className !== "" && !found)
    throw forbidden(definition.reference, pod.metadata.name, `no PriorityClass with name ${className} was found`);
  if (found) spec["priorityClassName"] = found.metadata.name;
  spec["priority"] = found && typeof found["value"] === "number" ? found["value"] : 0;
  setDefault(
    spec,
    "preemptionPolicy",
    textAt(found ? asJsonObject(found) : undefined, "preemptionPolicy") || "PreemptLowerPriority",
  );
}
