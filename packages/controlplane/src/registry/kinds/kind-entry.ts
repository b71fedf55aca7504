import type { TableColumn } from "../../table/table-column.ts";
import type { KindStrategy, ResourceDefinition } from "../resource-definition.ts";

/** One built-in kind: this table entry and its strategy are all there is to it. */
export interface KindEntry {
  readonly group: string;
  /** @default "v1" */
  readonly version?: string;
  readonly resource: string;
  readonly kind: string;
  /** @default true */
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly strategy: KindStrategy;
  readonly columns: readonly TableColumn[];
  /** Beyond status and scale. */
  readonly subresources?: readonly string[];
  readonly deprecation?: string;
  readonly withoutEffect?: string;
  readonly storageKey?: string;
  readonly conversion?: ResourceDefinition["conversion"];
}
