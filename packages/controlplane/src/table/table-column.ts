import type { JsonObject, JsonValue } from "@skerry/base";

/** One column of `kubectl get`. */
export interface TableColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  /** 0 always, 1 only with `-o wide`. */
  readonly priority: number;
  readonly description: string;
  cell(object: JsonObject, nowMs: number): JsonValue;
}

type Cell = (object: JsonObject, nowMs: number) => JsonValue;

/** A column that is always shown. */
export function column(name: string, cell: Cell, type: TableColumn["type"] = "string"): TableColumn {
  return { name, type, priority: 0, description: name, cell };
}

/** A column of `-o wide`. */
export function wide(name: string, cell: Cell, type: TableColumn["type"] = "string"): TableColumn {
  return { ...column(name, cell, type), priority: 1 };
}
