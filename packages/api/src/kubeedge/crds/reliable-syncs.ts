import type { JsonObject } from "@skerry/base";
import { clusterObjectSyncs, objectSyncs } from "../../kubernetes/resources.ts";
import { type CustomResourceDefinition, definitionOf, type PrinterColumn } from "./custom-resource-definition.ts";
import { object, root, text } from "./schema.ts";

const schema: JsonObject = root({
  spec: object({ objectAPIVersion: text, objectKind: text, objectName: text }),
  status: object({ objectResourceVersion: text }),
});

const columns: PrinterColumn[] = [
  { name: "Kind", type: "string", jsonPath: ".spec.objectKind" },
  { name: "Object", type: "string", jsonPath: ".spec.objectName" },
  { name: "Acknowledged", type: "string", jsonPath: ".status.objectResourceVersion" },
];

/** ObjectSync v1alpha1 (wire.md 8.1). */
export const objectSyncDefinition: CustomResourceDefinition = definitionOf(objectSyncs, {
  schema,
  statusSubresource: true,
  columns,
});

/** ClusterObjectSync v1alpha1: the same for cluster-scoped objects. */
export const clusterObjectSyncDefinition: CustomResourceDefinition = definitionOf(clusterObjectSyncs, {
  schema,
  statusSubresource: true,
  columns,
});
