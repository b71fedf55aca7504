import type { JsonObject } from "@skerry/base";
import { numberAt, objectAt, textAt } from "../registry/api-object.ts";
import { age, name, orNone, selectorOf, spec, status, templateWide } from "./common-columns.ts";
import { column, type TableColumn, wide } from "./table-column.ts";

const mapText = (map: JsonObject): string =>
  orNone(
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  );
const count =
  (member: string): ((object: JsonObject) => number) =>
  (object) =>
    numberAt(status(object), member) ?? 0;

/** Columns of `kubectl get statefulsets`. */
export const statefulSetColumns: readonly TableColumn[] = [
  name,
  column(
    "Ready",
    (object) => `${numberAt(status(object), "readyReplicas") ?? 0}/${numberAt(spec(object), "replicas") ?? 0}`,
  ),
  age,
  ...templateWide(spec),
];

/** Columns of `kubectl get daemonsets`. */
export const daemonSetColumns: readonly TableColumn[] = [
  name,
  column("Desired", count("desiredNumberScheduled"), "integer"),
  column("Current", count("currentNumberScheduled"), "integer"),
  column("Ready", count("numberReady"), "integer"),
  column("Up-to-date", count("updatedNumberScheduled"), "integer"),
  column("Available", count("numberAvailable"), "integer"),
  column("Node Selector", (object) =>
    mapText(objectAt(objectAt(objectAt(spec(object), "template"), "spec"), "nodeSelector")),
  ),
  age,
  ...templateWide(spec),
  selectorOf((object) => objectAt(spec(object), "selector")),
];

/** Columns of `kubectl get replicationcontrollers`. */
export const replicationControllerColumns: readonly TableColumn[] = [
  name,
  column("Desired", (object) => numberAt(spec(object), "replicas") ?? 0, "integer"),
  column("Current", count("replicas"), "integer"),
  column("Ready", count("readyReplicas"), "integer"),
  age,
  ...templateWide(spec),
  wide("Selector", (object) => mapText(objectAt(spec(object), "selector"))),
];

/** Columns of `kubectl get controllerrevisions`. */
export const controllerRevisionColumns: readonly TableColumn[] = [
  name,
  column("Controller", (object) => {
    const owners = objectAt(object, "metadata")["ownerReferences"];
    const owner = Array.isArray(owners) ? (owners[0] as JsonObject | undefined) : undefined;
    return owner
      ? `${textAt(owner, "kind").toLowerCase()}.${textAt(owner, "apiVersion").split("/")[0]}/${textAt(owner, "name")}`
      : "<none>";
  }),
  column("Revision", (object) => numberAt(object, "revision") ?? 0, "integer"),
  age,
];
