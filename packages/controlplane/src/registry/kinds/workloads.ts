import { isJsonObject, type JsonObject } from "@skerry/base";
import { isApiError, jsonEqual, labelSelectorPredicate } from "@skerry/kube";
import { ensureObject, numberAt, objectAt, setDefault } from "../api-object.ts";
import { type FieldError, invalidValue, notSupported, required } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { applyPodSpecDefaults } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-validation.ts";

const SCALE = {
  specReplicas: "spec.replicas",
  statusReplicas: "status.replicas",
  selector: "spec.selector",
} as const;

/** apps/v1 Deployment. */
export const deploymentStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  scale: SCALE,
  applyDefaults(deployment) {
    const spec = ensureObject(deployment, "spec");
    setDefault(spec, "replicas", 1);
    const strategy = ensureObject(spec, "strategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"] === "RollingUpdate") {
      const rolling = ensureObject(strategy, "rollingUpdate");
      setDefault(rolling, "maxUnavailable", "25%");
      setDefault(rolling, "maxSurge", "25%");
    }
    setDefault(spec, "revisionHistoryLimit", 10);
    setDefault(spec, "progressDeadlineSeconds", 600);
    applyTemplateDefaults(spec);
  },
  prepareForCreate(deployment) {
    deployment["status"] = {};
  },
  validate: validateWorkload,
  validateUpdate: validateSelectorUnchanged,
};

/** apps/v1 ReplicaSet. */
export const replicaSetStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  scale: SCALE,
  selectableFields: ["status.replicas"],
  applyDefaults(replicaSet) {
    const spec = ensureObject(replicaSet, "spec");
    setDefault(spec, "replicas", 1);
    applyTemplateDefaults(spec);
  },
  prepareForCreate(replicaSet) {
    replicaSet["status"] = { replicas: 0 };
  },
  validate: validateWorkload,
  validateUpdate: validateSelectorUnchanged,
};

function applyTemplateDefaults(spec: JsonObject): void {
  const template = ensureObject(spec, "template");
  setDefault(template, "metadata", {});
  if (isJsonObject(template["spec"])) applyPodSpecDefaults(template["spec"]);
}

/** Rules of everything that makes pods from a template by a selector. */
export function validateWorkload(object: JsonObject): FieldError[] {
  const spec = objectAt(object, "spec");
  const errors: FieldError[] = [];
  const replicas = numberAt(spec, "replicas");
  if (replicas !== undefined && replicas < 0)
    errors.push(invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  const selector = spec["selector"];
  const template = objectAt(spec, "template");
  const labels = objectAt(objectAt(template, "metadata"), "labels");
  if (isJsonObject(selector)) {
    if (Object.keys(selector).length === 0)
      errors.push(invalidValue("spec.selector", selector, "empty selector is invalid for deployment"));
    else if (!selects(selector, labels))
      errors.push(invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  } else errors.push(required("spec.selector"));
  const podSpec = objectAt(template, "spec");
  errors.push(...validatePodSpec(podSpec, "spec.template.spec"));
  if (podSpec["restartPolicy"] !== undefined && podSpec["restartPolicy"] !== "Always")
    errors.push(notSupported("spec.template.spec.restartPolicy", podSpec["restartPolicy"], ["Always"]));
  return errors;
}

function selects(selector: JsonObject, labels: JsonObject): boolean {
  try {
    return labelSelectorPredicate(selector)(labels as Record<string, string>);
  } catch (error) {
    if (isApiError(error)) return false;
    throw error;
  }
}

function validateSelectorUnchanged(next: JsonObject, previous: JsonObject): FieldError[] {
  const [after, before] = [objectAt(next, "spec")["selector"], objectAt(previous, "spec")["selector"]];
  return jsonEqual(after, before) ? [] : [invalidValue("spec.selector", after, "field is immutable")];
}
