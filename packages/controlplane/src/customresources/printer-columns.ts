import type { JsonObject, JsonValue } from "@skerry/base";
import { ageOf } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { column, type TableColumn } from "../table/table-column.ts";
import { parseJsonPath, valuesAt } from "./json-path.ts";

const TYPES: readonly TableColumn["type"][] = ["string", "integer", "number", "boolean", "date"];

/** The columns that a CRD's version asks for: Name first, Age when there are no others. */
export function printerColumns(version: JsonObject): TableColumn[] {
  const name: TableColumn = {
    ...column("Name", (object) => textAt(objectAt(object, "metadata"), "name")),
    format: "name",
  };
  const asked = objectsIn(version["additionalPrinterColumns"]).map(askedColumn);
  const age = column("Age", (object, nowMs) => ageOf(objectAt(object, "metadata")["creationTimestamp"], nowMs), "date");
  return [name, ...(asked.length === 0 ? [age] : asked)];
}

function askedColumn(asked: JsonObject): TableColumn {
  const path = parseJsonPath(textAt(asked, "jsonPath"));
  const type = TYPES.find((known) => known === asked["type"]) ?? "string";
  const cell = (object: JsonObject, nowMs: number): JsonValue => {
    const values = path ? valuesAt(path, object) : [];
    const first = values[0];
    if (first === undefined || first === null) return type === "date" ? "<unknown>" : null;
    if (type === "date") return ageOf(first, nowMs);
    if (type === "integer" || type === "number" || type === "boolean") return first;
    return values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(",");
  };
  const format = textAt(asked, "format");
  return {
    name: textAt(asked, "name"),
    type,
    ...(format === "" ? {} : { format }),
    priority: numberAt(asked, "priority") ?? 0,
    description: textAt(asked, "description"),
    cell,
  };
}
