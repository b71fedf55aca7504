import type { JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { compareVersions } from "../registry/version-order.ts";

/** What every user of a deprecated version of a CRD is told; undefined for versions that are not. */
export function deprecationOf(definition: JsonObject, version: JsonObject): string | undefined {
  if (version["deprecated"] !== true) return undefined;
  const told = textAt(version, "deprecationWarning");
  if (told !== "") return told;
  const spec = objectAt(definition, "spec");
  const [group, kind, name] = [textAt(spec, "group"), textAt(objectAt(spec, "names"), "kind"), textAt(version, "name")];
  const [newest] = objectsIn(spec["versions"])
    .filter((other) => other["served"] === true && other["deprecated"] !== true)
    .map((other) => textAt(other, "name"))
    .filter((other) => compareVersions(other, name) < 0)
    .sort(compareVersions);
  return `${group}/${name} ${kind} is deprecated${newest === undefined ? "" : `; use ${group}/${newest} ${kind}`}`;
}
