import type { JsonObject } from "@skerry/base";
import { type ApiError, isApiError } from "@skerry/kube";
import { type ApiObject, asApiObject, asJsonObject } from "../registry/api-object.ts";
import { present } from "../registry/present.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";
import type { CollectionEvent } from "../registry/watch-collection.ts";
import { type IncludeObject, partialMetadata, tableOf } from "../table/table.ts";
import type { ResponseForm } from "./negotiation.ts";

/** How the objects of a watch are shown. */
export interface WatchForm {
  readonly definition: ResourceDefinition;
  readonly form: ResponseForm;
  readonly include: IncludeObject;
  readonly now: () => number;
}

/** The lines of a watch's answer; a failure on the way (410) becomes the last line. */
export async function* watchLines(
  events: AsyncIterable<CollectionEvent>,
  form: WatchForm,
): AsyncGenerator<string, void> {
  let first = true;
  try {
    for await (const event of events) {
      yield lineOf(event, form, first);
      if (event.type !== "BOOKMARK") first = false;
    }
  } catch (error) {
    if (!isApiError(error)) throw error;
    yield `${JSON.stringify({ type: "ERROR", object: (error as ApiError).status })}\n`;
  }
}

function lineOf(event: CollectionEvent, { definition, form, include, now }: WatchForm, first: boolean): string {
  if (event.type === "BOOKMARK")
    return `{"type":"BOOKMARK","object":${JSON.stringify(bookmark(event, definition, form))}}\n`;
  const isPlain = form === "object" && !definition.conversion && !definition.isCustom;
  if (isPlain) return `{"type":"${event.type}","object":${event.text}}\n`;
  const object = present(definition, asApiObject(JSON.parse(event.text)));
  return `{"type":"${event.type}","object":${JSON.stringify(shown(object, definition, form, include, now(), first))}}\n`;
}

function shown(
  object: ApiObject,
  definition: ResourceDefinition,
  form: ResponseForm,
  include: IncludeObject,
  nowMs: number,
  first: boolean,
): JsonObject {
  if (form === "partial-metadata") return partialMetadata(object);
  if (form !== "table") return asJsonObject(object);
  const metadata = { resourceVersion: object.metadata.resourceVersion ?? "" };
  const table = tableOf(definition, [object], metadata, include, nowMs);
  // Only the first event says what the columns are.
  return first ? table : { ...table, columnDefinitions: null };
}

function bookmark(
  event: CollectionEvent & { type: "BOOKMARK" },
  definition: ResourceDefinition,
  form: ResponseForm,
): JsonObject {
  const { group, version, kind } = definition.reference;
  const metadata: JsonObject = {
    resourceVersion: String(event.revision),
    ...(event.initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
  };
  if (form === "table")
    return {
      kind: "Table",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: String(event.revision) },
      columnDefinitions: null,
      rows: event.initialEventsEnd
        ? [{ cells: [], object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata } }]
        : [],
    };
  const own = { kind, apiVersion: group === "" ? version : `${group}/${version}` };
  const shape = form === "partial-metadata" ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" } : own;
  if (form === "partial-metadata" || definition.isCustom) return { ...shape, metadata };
  // An object of the kind without anything in it.
  return definition.schema.decode({ ...shape, metadata }).object;
}
