import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { EMPTY_SET, type FieldSet, fromFieldsV1, isEmptySet, toFieldsV1, union } from "./field-set.ts";

/** Who wrote fields, and how. */
export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  /** The form of the object in which the fields are named. */
  readonly apiVersion: string;
  /** Empty: the object itself. */
  readonly subresource: string;
}

/** One manager's fields. */
export interface ManagedEntry extends Manager {
  readonly fields: FieldSet;
  /** When the fields last changed, in Kubernetes' text form. */
  readonly time?: string;
}

/** Entries of updates that are kept apart; older ones are put together. */
const UPDATE_ENTRIES_LIMIT = 10;
const ANCIENT = "ancient-changes";

/** All managers of an object's fields. */
export class ManagedFields {
  readonly #entries: Map<string, ManagedEntry>;

  private constructor(entries: Map<string, ManagedEntry>) {
    this.#entries = entries;
  }

  /** Reads `metadata.managedFields`; entries that cannot be read are left out. */
  static read(value: JsonValue | undefined): ManagedFields {
    const entries = new Map<string, ManagedEntry>();
    for (const item of Array.isArray(value) ? value : []) {
      const entry = readEntry(item);
      if (entry) entries.set(keyOf(entry), entry);
    }
    return new ManagedFields(entries);
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  copy(): ManagedFields {
    return new ManagedFields(new Map(this.#entries));
  }

  entries(): readonly ManagedEntry[] {
    return [...this.#entries.values()];
  }

  fieldsOf(manager: Manager): FieldSet {
    return this.#entries.get(keyOf(manager))?.fields ?? EMPTY_SET;
  }

  /** Sets a manager's fields; without any the manager goes. A time that is left out stays as it was. */
  set(manager: Manager, fields: FieldSet, time?: string): void {
    const key = keyOf(manager);
    const kept = time ?? this.#entries.get(key)?.time;
    if (isEmptySet(fields)) this.#entries.delete(key);
    else this.#entries.set(key, { ...manager, fields, ...(kept === undefined ? {} : { time: kept }) });
  }

  /** What anybody owns. */
  all(): FieldSet {
    return this.entries().reduce((sum: FieldSet, { fields }) => union(sum, fields), EMPTY_SET);
  }

  /** Puts the oldest updates together when there are too many. */
  cap(): void {
    const updates = this.entries().filter(({ operation }) => operation === "Update");
    const surplus = updates.length - UPDATE_ENTRIES_LIMIT;
    if (surplus <= 0) return;
    for (const entry of updates.sort(inOrder).slice(0, surplus + 1)) {
      this.#entries.delete(keyOf(entry));
      const ancient: Manager = { name: ANCIENT, operation: "Update", apiVersion: entry.apiVersion, subresource: "" };
      this.set(ancient, union(this.fieldsOf(ancient), entry.fields), entry.time);
    }
  }

  /** As `metadata.managedFields` has it. */
  toJson(): JsonObject[] {
    return this.entries()
      .toSorted(inOrder)
      .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
        manager: name,
        operation,
        apiVersion,
        ...(time === undefined ? {} : { time }),
        fieldsType: "FieldsV1",
        fieldsV1: toFieldsV1(fields),
        ...(subresource === "" ? {} : { subresource }),
      }));
  }
}

function readEntry(item: JsonValue): ManagedEntry | undefined {
  if (!isJsonObject(item) || !isJsonObject(item["fieldsV1"])) return undefined;
  const { manager, operation, apiVersion, subresource = "", time } = item;
  if (operation !== "Apply" && operation !== "Update") return undefined;
  if (typeof apiVersion !== "string" || typeof subresource !== "string") return undefined;
  return {
    name: typeof manager === "string" ? manager : "",
    operation,
    apiVersion,
    subresource,
    fields: fromFieldsV1(item["fieldsV1"]),
    ...(typeof time === "string" ? { time } : {}),
  };
}

/** Applied configurations of one manager are one entry, whatever their version. */
function keyOf({ name, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify([name, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

function inOrder(left: ManagedEntry, right: ManagedEntry): number {
  const order = (entry: ManagedEntry): string[] => [
    entry.operation,
    entry.time ?? "",
    entry.name,
    entry.apiVersion,
    entry.subresource,
  ];
  const [first, second] = [order(left), order(right)];
  const at = first.findIndex((text, index) => text !== second[index]);
  if (at === -1) return 0;
  return (first[at] ?? "") < (second[at] ?? "") ? -1 : 1;
}
