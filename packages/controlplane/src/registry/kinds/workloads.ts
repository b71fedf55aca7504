import { isJsonObject, type JsonObject } from "@skerry/base";
import { isApiError, jsonEqual, labelSelectorPredicate } from "@skerry/kube";
import { defaultColumns } from "../../table/columns.ts";
import {
  controllerRevisionColumns,
  daemonSetColumns,
  replicationControllerColumns,
  statefulSetColumns,
} from "../../table/workload-columns.ts";
import { ensureObject, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateLabelSelector } from "../validation/label-selector-validation.ts";
import { labelErrors } from "../validation/name-rules.ts";
import { notNegative } from "../validation/number-rules.ts";
import {
  validateDaemonSetRollout,
  validateDeploymentRollout,
  validateStatefulSetRollout,
} from "../validation/rollout-validation.ts";
import { plainStrategy } from "./core.ts";
import type { KindEntry } from "./kind-entry.ts";
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
  statusMayChangeMetadata: true,
  tracksGeneration: true,
  countsAnnotations: true,
  scale: SCALE,
  applyDefaults(deployment) {
    const spec = ensureObject(deployment, "spec");
    setDefault(spec, "replicas", 1);
    const strategy = ensureObject(spec, "strategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"] === "RollingUpdate") {
      const rolling = ensureObject(strategy, "rollingUpdate");
      rolling["maxUnavailable"] ??= "25%";
      rolling["maxSurge"] ??= "25%";
    }
    setDefault(spec, "revisionHistoryLimit", 10);
    setDefault(spec, "progressDeadlineSeconds", 600);
    applyTemplateDefaults(spec);
  },
  prepareForCreate(deployment) {
    deployment["status"] = {};
  },
  validate: (deployment) => [
    ...validateWorkload(deployment),
    ...validateDeploymentRollout(objectAt(deployment, "spec")),
  ],
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

/** apps/v1 StatefulSet. */
export const statefulSetStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  scale: SCALE,
  applyDefaults(set) {
    const spec = ensureObject(set, "spec");
    setDefault(spec, "replicas", 1);
    setDefault(spec, "podManagementPolicy", "OrderedReady");
    setDefault(spec, "revisionHistoryLimit", 10);
    const strategy = ensureObject(spec, "updateStrategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"] === "RollingUpdate") setDefault(ensureObject(strategy, "rollingUpdate"), "partition", 0);
    const retention = ensureObject(spec, "persistentVolumeClaimRetentionPolicy");
    setDefault(retention, "whenDeleted", "Retain");
    setDefault(retention, "whenScaled", "Retain");
    applyTemplateDefaults(spec);
  },
  prepareForCreate(set) {
    set["status"] = { replicas: 0, availableReplicas: 0 };
  },
  validate: (set) => [...validateWorkload(set), ...validateStatefulSetRollout(objectAt(set, "spec"))],
  validateUpdate(next, previous) {
    const allowed = [
      "replicas",
      "ordinals",
      "template",
      "updateStrategy",
      "revisionHistoryLimit",
      "persistentVolumeClaimRetentionPolicy",
      "minReadySeconds",
    ];
    const fixed = (object: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(objectAt(object, "spec")).filter(([member]) => !allowed.includes(member)));
    const list = allowed.map((member) => `'${member}'`);
    return jsonEqual(fixed(next), fixed(previous))
      ? []
      : [
          forbiddenField(
            "spec",
            `updates to statefulset spec for fields other than ${list.slice(0, -1).join(", ")} and ${list.at(-1)} are forbidden`,
          ),
        ];
  },
};

/** apps/v1 DaemonSet. */
export const daemonSetStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  applyDefaults(set) {
    const spec = ensureObject(set, "spec");
    setDefault(spec, "revisionHistoryLimit", 10);
    const strategy = ensureObject(spec, "updateStrategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"] === "RollingUpdate") {
      const rolling = ensureObject(strategy, "rollingUpdate");
      setDefault(rolling, "maxUnavailable", 1);
      setDefault(rolling, "maxSurge", 0);
    }
    applyTemplateDefaults(spec);
  },
  prepareForCreate(set) {
    set["status"] = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
  },
  validate: (set) => [...validateWorkload(set), ...validateDaemonSetRollout(objectAt(set, "spec"))],
  validateUpdate: validateSelectorUnchanged,
};

/** core/v1 ReplicationController: its selector is a plain map of labels. */
export const replicationControllerStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  scale: SCALE,
  selectableFields: ["status.replicas"],
  applyDefaults(controller) {
    const spec = ensureObject(controller, "spec");
    setDefault(spec, "replicas", 1);
    applyTemplateDefaults(spec);
    const labels = objectAt(objectAt(objectAt(spec, "template"), "metadata"), "labels");
    if (Object.keys(labels).length === 0) return;
    if (Object.keys(objectAt(spec, "selector")).length === 0) spec["selector"] = { ...labels };
    const metadata = ensureObject(controller, "metadata");
    if (Object.keys(objectAt(metadata, "labels")).length === 0) metadata["labels"] = { ...labels };
  },
  prepareForCreate(controller) {
    controller["status"] = { replicas: 0 };
  },
  validate(controller) {
    const spec = objectAt(controller, "spec");
    const labels = objectAt(spec, "selector");
    const selector = Object.keys(labels).length === 0 ? {} : { selector: { matchLabels: labels } };
    const { selector: _plain, ...rest } = spec;
    return validateWorkload({ ...controller, spec: { ...rest, ...selector } });
  },
};

/** The workloads besides Deployment and ReplicaSet. */
export const workloadKinds: readonly KindEntry[] = [
  {
    group: "apps",
    resource: "statefulsets",
    kind: "StatefulSet",
    shortNames: ["sts"],
    categories: ["all"],
    strategy: statefulSetStrategy,
    columns: statefulSetColumns,
  },
  {
    group: "apps",
    resource: "daemonsets",
    kind: "DaemonSet",
    shortNames: ["ds"],
    categories: ["all"],
    strategy: daemonSetStrategy,
    columns: daemonSetColumns,
  },
  {
    group: "apps",
    resource: "controllerrevisions",
    kind: "ControllerRevision",
    strategy: plainStrategy,
    columns: controllerRevisionColumns,
  },
  {
    group: "",
    resource: "replicationcontrollers",
    kind: "ReplicationController",
    shortNames: ["rc"],
    categories: ["all"],
    strategy: replicationControllerStrategy,
    columns: replicationControllerColumns,
  },
  { group: "", resource: "podtemplates", kind: "PodTemplate", strategy: plainStrategy, columns: defaultColumns },
];

function applyTemplateDefaults(spec: JsonObject): void {
  const template = ensureObject(spec, "template");
  setDefault(template, "metadata", {});
  if (isJsonObject(template["spec"])) applyPodSpecDefaults(template["spec"]);
}

/** Rules of everything that makes pods from a template by a selector. */
export function validateWorkload(object: JsonObject): FieldError[] {
  const spec = objectAt(object, "spec");
  const errors = notNegative(spec, "spec", ["replicas", "minReadySeconds", "revisionHistoryLimit"]);
  const selector = spec["selector"];
  const template = objectAt(spec, "template");
  const labels = objectAt(objectAt(template, "metadata"), "labels");
  if (isJsonObject(selector)) {
    errors.push(...validateLabelSelector(selector, "spec.selector"));
    if (selectsEverything(selector))
      errors.push(invalidValue("spec.selector", selector, emptySelector(textAt(object, "kind"))));
    else if (!selects(selector, labels))
      errors.push(invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  } else errors.push(required("spec.selector"));
  const podSpec = objectAt(template, "spec");
  const claims = objectsIn(spec["volumeClaimTemplates"]).map((claim) => textAt(objectAt(claim, "metadata"), "name"));
  errors.push(...labelErrors(labels, "spec.template.labels"));
  errors.push(...validatePodSpec(podSpec, "spec.template.spec", claims));
  if (podSpec["restartPolicy"] !== undefined && podSpec["restartPolicy"] !== "Always")
    errors.push(notSupported("spec.template.spec.restartPolicy", podSpec["restartPolicy"], ["Always"]));
  if (podSpec["activeDeadlineSeconds"] !== undefined)
    errors.push(
      forbiddenField(
        "spec.template.spec.activeDeadlineSeconds",
        `activeDeadlineSeconds in ${textAt(object, "kind")} is not Supported`,
      ),
    );
  return errors;
}

/** In the words of Kubernetes, which calls a ReplicaSet a deployment too. */
function emptySelector(kind: string): string {
  const named = kind === "ReplicaSet" ? "deployment" : kind.toLowerCase();
  return `empty selector is invalid for ${named}`;
}

function selectsEverything(selector: JsonObject): boolean {
  return Object.keys(objectAt(selector, "matchLabels")).length + objectsIn(selector["matchExpressions"]).length === 0;
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
