import { ageOf, type JsonObject } from "@skerry/base";
import { formatLabelSelector, isApiError, labelSelectorRequirements } from "@skerry/kube";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { column, type TableColumn, wide } from "./table-column.ts";

export const metadata = (object: JsonObject): JsonObject => objectAt(object, "metadata");
export const spec = (object: JsonObject): JsonObject => objectAt(object, "spec");
export const status = (object: JsonObject): JsonObject => objectAt(object, "status");
export const orNone = (text: string): string => (text === "" ? "<none>" : text);

export const name: TableColumn = {
  ...column("Name", (object) => textAt(metadata(object), "name")),
  format: "name",
};
export const age: TableColumn = column("Age", (object, nowMs) => ageOf(metadata(object)["creationTimestamp"], nowMs));
export const createdAt: TableColumn = column(
  "Created At",
  (object) => textAt(metadata(object), "creationTimestamp"),
  "date",
);

/** Names and images of a pod template's containers. `templateParent` finds what has the `template`. */
export function templateWide(templateParent: (object: JsonObject) => JsonObject): readonly TableColumn[] {
  const texts = (object: JsonObject, member: string): string =>
    objectsIn(objectAt(objectAt(templateParent(object), "template"), "spec")["containers"])
      .map((container) => textAt(container, member))
      .join(",");
  return [wide("Containers", (object) => texts(object, "name")), wide("Images", (object) => texts(object, "image"))];
}

/** A label selector as text. */
export function selectorOf(selector: (object: JsonObject) => JsonObject): TableColumn {
  return wide("Selector", (object) => selectorText(selector(object)));
}

function selectorText(selector: JsonObject): string {
  try {
    return formatLabelSelector(labelSelectorRequirements(selector) ?? []) || "<none>";
  } catch (error) {
    if (isApiError(error)) return "<error>";
    throw error;
  }
}
