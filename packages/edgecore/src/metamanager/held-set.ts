import { digestOf, type SetDigest, type SetEntry } from "@skerry/link";
import type { Reader } from "@skerry/store";
import { readObjects, versionOf } from "./object-table.ts";

// What this node says to the cloud of the objects that it holds (Skerry's delivery).

/** Each object of these types, committed. */
export function heldEntries(reader: Reader, types: readonly string[]): SetEntry[] {
  return types.flatMap((type) =>
    readObjects(reader, type).map((object) => ({
      type,
      namespace: object.metadata.namespace ?? "",
      name: object.metadata.name,
      ...versionOf(object),
    })),
  );
}

/** A digest of each type. */
export function heldDigests(reader: Reader, types: readonly string[]): Map<string, SetDigest> {
  return new Map(types.map((type) => [type, digestOf(heldEntries(reader, [type]))]));
}
