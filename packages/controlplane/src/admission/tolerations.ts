import type { JsonObject } from "@skerry/base";
import { type ApiObject, asJsonObject, ensureObject, objectsIn } from "../registry/api-object.ts";

/** How long a pod stays on a node that is not ready or not reachable, unless it says otherwise. */
const DEFAULT_SECONDS = 300;

/** Adds the tolerations that every pod has by default. */
export function addDefaultTolerations(pod: ApiObject): void {
  const spec = ensureObject(asJsonObject(pod), "spec");
  const tolerations = objectsIn(spec["tolerations"]);
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
    if (!tolerations.some((toleration) => tolerates(toleration, key)))
      tolerations.push({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: DEFAULT_SECONDS });
  spec["tolerations"] = tolerations;
}

function tolerates(toleration: JsonObject, key: string): boolean {
  const sameKey = toleration["key"] === key || !toleration["key"];
  return sameKey && (toleration["effect"] === "NoExecute" || !toleration["effect"]);
}
