import type { JsonObject } from "@skerry/base";
import { configUpdateJobs, imagePrePullJobs, nodeUpgradeJobs } from "../../kubernetes/resources.ts";
import { type CustomResourceDefinition, definitionOf, type PrinterColumn } from "./custom-resource-definition.ts";
import { flag, integer32, listOf, object, root, text, textMap } from "./schema.ts";

const scope: JsonObject = {
  nodeNames: listOf(text),
  labelSelector: object({
    matchExpressions: listOf(object({ key: text, operator: text, values: listOf(text) }, "key", "operator")),
    matchLabels: textMap,
  }),
  concurrency: integer32,
  timeoutSeconds: integer32,
  failureTolerate: text,
};

/** The v1alpha2 status; older members that v1alpha1 wrote are no longer there. */
function status(ofNode: JsonObject): JsonObject {
  const action = object({ action: text, status: text, reason: text, time: text });
  const node = object({ nodeName: text, phase: text, reason: text, actionFlow: listOf(action), ...ofNode });
  return object({ phase: text, reason: text, nodeStatus: listOf(node) }, "phase");
}

const columns: PrinterColumn[] = [
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Reason", type: "string", jsonPath: ".status.reason" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const common = { statusSubresource: true, columns };

/** ImagePrePullJob (cloud.md 8.1). An object of v1alpha1 has the same spec and is carried out the same way. */
export const imagePrePullJobDefinition: CustomResourceDefinition = definitionOf(imagePrePullJobs, {
  ...common,
  otherVersions: ["v1alpha1"],
  schema: root({
    spec: object({
      imagePrePullTemplate: object({
        ...scope,
        images: listOf(text),
        checkItems: listOf(text),
        imageSecrets: text,
        retryTimes: integer32,
      }),
    }),
    status: status({ imageStatus: listOf(object({ image: text, status: text, reason: text })) }),
  }),
});

/** ConfigUpdateJob; there is no v1alpha1 of it. */
export const configUpdateJobDefinition: CustomResourceDefinition = definitionOf(configUpdateJobs, {
  ...common,
  schema: root({ spec: object({ ...scope, updateFields: textMap }, "updateFields"), status: status({}) }),
});

/** NodeUpgradeJob; `imageDigestGatter` is KubeEdge's spelling, its `value` v1alpha1's. */
export const nodeUpgradeJobDefinition: CustomResourceDefinition = definitionOf(nodeUpgradeJobs, {
  ...common,
  otherVersions: ["v1alpha1"],
  schema: root({
    spec: object({
      ...scope,
      version: text,
      image: text,
      imageDigestGatter: object({
        amd64: text,
        arm64: text,
        value: text,
        registryAPI: object({ host: text, token: text }, "host", "token"),
      }),
      checkItems: listOf(text),
      requireConfirmation: flag,
    }),
    status: status({ currentVersion: text, historicVersion: text }),
  }),
});
