import { compareResourceVersions, isResourceVersion } from "@skerry/kube";
import { digestOf, type SetDigest, type SetEntry } from "@skerry/link";
import type { Reader } from "@skerry/store";
import { deletionVersions, readObjects, versionOf } from "./object-table.ts";

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

/** A digest of each type; its highest version is the highest that was seen, of a deletion too. */
export function heldDigests(reader: Reader, types: readonly string[]): Map<string, SetDigest> {
  return new Map(types.map((type) => [type, heldDigest(reader, type)]));
}

function heldDigest(reader: Reader, type: string): SetDigest {
  const digest = digestOf(heldEntries(reader, [type]));
  const highest = deletionVersions(reader, type)
    .filter(isResourceVersion)
    .reduce((seen, version) => (compareResourceVersions(version, seen) > 0 ? version : seen), digest.highest);
  return { ...digest, highest };
}
