import type { TypeTable } from "../type-table.ts";

/** CustomResourceDefinition. Read as type-table.ts tells. */
export const apiextensionsTypes: TypeTable = {
  "apiextensions.v1.CustomResourceColumnDefinition":
    "- description string;- format string;- jsonPath! string;- name! string;- priority int32;- type! string",
  "apiextensions.v1.CustomResourceConversion": "- strategy! string;- webhook apiextensions.v1.WebhookConversion",
  "apiextensions.v1.CustomResourceDefinition":
    "- apiVersion string;- kind string;- metadata meta.v1.ObjectMeta value;- spec! apiextensions.v1.CustomResourceDefinitionSpec value;- status apiextensions.v1.CustomResourceDefinitionStatus value",
  "apiextensions.v1.CustomResourceDefinitionCondition":
    "- lastTransitionTime time;- message string;- observedGeneration int64;- reason string;- status! string;- type! string",
  "apiextensions.v1.CustomResourceDefinitionNames":
    "- categories []string atomic;- kind! string;- listKind string;- plural! string;- shortNames []string atomic;- singular string",
  "apiextensions.v1.CustomResourceDefinitionSpec":
    "- conversion apiextensions.v1.CustomResourceConversion;- group! string;- names! apiextensions.v1.CustomResourceDefinitionNames value;- preserveUnknownFields bool;- scope! string;- versions! []apiextensions.v1.CustomResourceDefinitionVersion atomic",
  "apiextensions.v1.CustomResourceDefinitionStatus":
    "- acceptedNames apiextensions.v1.CustomResourceDefinitionNames value;- conditions []apiextensions.v1.CustomResourceDefinitionCondition map:type;- observedGeneration int64;- storedVersions []string atomic",
  "apiextensions.v1.CustomResourceDefinitionVersion":
    "- additionalPrinterColumns []apiextensions.v1.CustomResourceColumnDefinition atomic;- deprecated bool;- deprecationWarning string;- name! string;- schema apiextensions.v1.CustomResourceValidation;- selectableFields []apiextensions.v1.SelectableField atomic;- served! bool;- storage! bool;- subresources apiextensions.v1.CustomResourceSubresources",
  "apiextensions.v1.CustomResourceSubresourceScale":
    "- labelSelectorPath string;- specReplicasPath! string;- statusReplicasPath! string",
  "apiextensions.v1.CustomResourceSubresourceStatus": "",
  "apiextensions.v1.CustomResourceSubresources":
    "- scale apiextensions.v1.CustomResourceSubresourceScale;- status apiextensions.v1.CustomResourceSubresourceStatus",
  "apiextensions.v1.CustomResourceValidation": "- openAPIV3Schema apiextensions.v1.JSONSchemaProps",
  "apiextensions.v1.ExternalDocumentation": "- description string;- url string",
  "apiextensions.v1.JSONSchemaProps":
    "- $ref string;- $schema string;- additionalItems any;- additionalProperties any;- allOf []apiextensions.v1.JSONSchemaProps atomic;- anyOf []apiextensions.v1.JSONSchemaProps atomic;- default any;- definitions {}apiextensions.v1.JSONSchemaProps;- dependencies {}any;- description string;- enum []any atomic;- example any;- exclusiveMaximum bool;- exclusiveMinimum bool;- externalDocs apiextensions.v1.ExternalDocumentation;- format string;- id string;- items any;- maxItems int64;- maxLength int64;- maxProperties int64;- maximum double;- minItems int64;- minLength int64;- minProperties int64;- minimum double;- multipleOf double;- not apiextensions.v1.JSONSchemaProps;- nullable bool;- oneOf []apiextensions.v1.JSONSchemaProps atomic;- pattern string;- patternProperties {}apiextensions.v1.JSONSchemaProps;- properties {}apiextensions.v1.JSONSchemaProps;- required []string atomic;- title string;- type string;- uniqueItems bool;- x-kubernetes-embedded-resource bool;- x-kubernetes-int-or-string bool;- x-kubernetes-list-map-keys []string atomic;- x-kubernetes-list-type string;- x-kubernetes-map-type string;- x-kubernetes-preserve-unknown-fields bool;- x-kubernetes-validations []apiextensions.v1.ValidationRule merge:rule map",
  "apiextensions.v1.SelectableField": "- jsonPath! string",
  "apiextensions.v1.ServiceReference": "- name! string;- namespace! string;- path string;- port int32",
  "apiextensions.v1.ValidationRule":
    "- fieldPath string;- message string;- messageExpression string;- optionalOldSelf bool;- reason string enum:FieldValueDuplicate|FieldValueForbidden|FieldValueInvalid|FieldValueRequired;- rule! string",
  "apiextensions.v1.WebhookClientConfig": "- caBundle bytes;- service apiextensions.v1.ServiceReference;- url string",
  "apiextensions.v1.WebhookConversion":
    "- clientConfig apiextensions.v1.WebhookClientConfig;- conversionReviewVersions! []string atomic",
};
