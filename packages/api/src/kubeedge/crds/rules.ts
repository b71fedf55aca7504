import { ruleEndpoints, rules } from "../../kubernetes/resources.ts";
import { type CustomResourceDefinition, definitionOf } from "./custom-resource-definition.ts";
import { integer64, listOf, object, oneOf, root, text, textMap } from "./schema.ts";

/** RuleEndpoint v1 (cloud.md 6.1). */
export const ruleEndpointDefinition: CustomResourceDefinition = definitionOf(ruleEndpoints, {
  schema: root({
    spec: object(
      { ruleEndpointType: oneOf("rest", "eventbus", "servicebus"), properties: textMap },
      "ruleEndpointType",
    ),
  }),
  shortNames: ["re"],
  columns: [{ name: "Type", type: "string", jsonPath: ".spec.ruleEndpointType" }],
});

/** Rule v1. As in KubeEdge its status is no subresource. */
export const ruleDefinition: CustomResourceDefinition = definitionOf(rules, {
  schema: root({
    spec: object(
      { source: text, sourceResource: textMap, target: text, targetResource: textMap },
      "source",
      "sourceResource",
      "target",
      "targetResource",
    ),
    status: object({ successMessages: integer64, failMessages: integer64, errors: listOf(text) }),
  }),
  columns: [
    { name: "Source", type: "string", jsonPath: ".spec.source" },
    { name: "Target", type: "string", jsonPath: ".spec.target" },
    { name: "Done", type: "integer", jsonPath: ".status.successMessages" },
    { name: "Failed", type: "integer", jsonPath: ".status.failMessages" },
  ],
});
