import type { ObjectList, ResourceReference, Status } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { applyPatch, badRequest, type DeleteOptions, isApiError, type ListOptions, type Patch } from "@skerry/kube";
import { type ApiObject, asApiObject, asJsonObject } from "./api-object.ts";
import { required } from "./field-error.ts";
import { present } from "./present.ts";
import type { Registry } from "./registry.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceCatalog } from "./resource-catalog.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { scaleOf, withScale } from "./scale.ts";
import { invalid, methodNotSupported, resourceNotFound, unsupportedMediaType } from "./status-errors.ts";
import type { SubresourceActions } from "./subresource-actions.ts";
import type { UpdatePart, WritePart } from "./update-part.ts";
import type { CollectionEvent, CollectionWatches, CollectionWatchOptions } from "./watch-collection.ts";

/** One object, or one of its subresources. */
export interface ObjectAt {
  readonly definition: ResourceDefinition;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

/** What the service works with. */
export interface ApiServiceOptions {
  readonly registry: Registry;
  readonly catalog: ResourceCatalog;
  readonly watches: CollectionWatches;
  readonly actions: SubresourceActions;
}

/** All that can be done with resources and subresources; HTTP and the in-process API are thin layers over it. */
export class ApiService {
  readonly registry: Registry;
  readonly catalog: ResourceCatalog;
  readonly #watches: CollectionWatches;
  readonly #actions: SubresourceActions;

  constructor(options: ApiServiceOptions) {
    this.registry = options.registry;
    this.catalog = options.catalog;
    this.#watches = options.watches;
    this.#actions = options.actions;
  }

  /** @throws ApiError NotFound when the resource is not served */
  definitionOf(reference: Pick<ResourceReference, "group" | "version" | "resource">): ResourceDefinition {
    const definition = this.catalog.find(reference.group, reference.version, reference.resource);
    if (!definition) throw resourceNotFound();
    return definition;
  }

  /** @param resourceVersion at least which the answer must be */
  get(at: ObjectAt, resourceVersion = ""): ApiObject {
    const object = this.registry.get(at.definition, at.namespace, at.name, resourceVersion);
    switch (at.subresource) {
      case undefined:
        return object;
      case "status":
      case "ephemeralcontainers":
      case "resize":
        this.#requireSubresource(at);
        return object;
      case "scale":
        return scaleOf(this.#scalePaths(at), object);
      default:
        throw resourceNotFound();
    }
  }

  list(definition: ResourceDefinition, namespace: string | undefined, options: ListOptions): ObjectList<ApiObject> {
    return this.registry.list(definition, namespace, options);
  }

  watch(
    definition: ResourceDefinition,
    namespace: string | undefined,
    options: CollectionWatchOptions,
  ): AsyncGenerator<CollectionEvent, void> {
    return this.#watches.watch({ definition, namespace }, options);
  }

  create(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    body: JsonObject,
  ): Promise<ApiObject> {
    return this.registry.create(context, definition, namespace, body);
  }

  /** Creates through a subresource: `binding`, `eviction`, `token`. */
  createSubresource(context: RequestContext, at: ObjectAt, body: JsonObject): Promise<ApiObject> {
    this.#requireSubresource(at);
    return this.#actions.create(context, at, body);
  }

  update(context: RequestContext, at: ObjectAt, body: JsonObject): Promise<ApiObject> {
    if (at.subresource === "scale") return this.#changeScale(context, at, () => body);
    const part = this.#writePart(at);
    return this.registry.replace(context, at.definition, at.namespace, at.name, body, part);
  }

  /** @throws ApiError UnsupportedMediaType for forms of patch that the resource does not take */
  async patch(context: RequestContext, at: ObjectAt, patch: Patch): Promise<ApiObject> {
    if (patch.type === "apply") return (await this.apply(context, at, patch)).object;
    if (patch.type === "strategic" && at.definition.isCustom)
      throw unsupportedMediaType([
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/apply-patch+yaml",
      ]);
    const apply = (current: ApiObject): JsonObject => patched(current, patch);
    if (at.subresource === "scale")
      return this.#changeScale(context, at, (object) => apply(scaleOf(this.#scalePaths(at), object)));
    const part = this.#writePart(at);
    const body = isJsonObject(patch.body) ? patch.body : undefined;
    return this.registry.modify(context, at.definition, at.namespace, at.name, apply, part, body);
  }

  /** Applies a configuration; says whether the object is new. @throws ApiError BadRequest, Conflict, Invalid */
  apply(
    context: RequestContext,
    at: ObjectAt,
    patch: Patch & { type: "apply" },
  ): Promise<{ readonly object: ApiObject; readonly isNew: boolean }> {
    if (!isJsonObject(patch.body)) throw badRequest("the configuration to apply must be an object");
    if (patch.fieldManager === "")
      throw invalid({ ...at.definition.reference, kind: "PatchOptions", group: "meta.k8s.io" }, "", [
        required("fieldManager", "is required for apply patch"),
      ]);
    const { definition, namespace, name } = at;
    const own = { ...context, fieldManager: patch.fieldManager };
    return this.registry.apply(own, definition, namespace, name, patch.body, patch.force ?? false, this.#writePart(at));
  }

  delete(context: RequestContext, at: ObjectAt, options: DeleteOptions): Promise<ApiObject | Status> {
    return this.registry.delete(context, at.definition, at.namespace, at.name, options);
  }

  /** Deletes all objects that the selectors match; answers with what they were. */
  async deleteCollection(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string | undefined,
    selectors: ListOptions,
    options: DeleteOptions,
  ): Promise<ObjectList<ApiObject>> {
    const list = this.list(definition, namespace, selectors);
    for (const { metadata } of list.items)
      try {
        await this.registry.delete(context, definition, metadata.namespace ?? "", metadata.name, options);
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
    return list;
  }

  /** Whether the resource has the subresource. */
  hasSubresource(definition: ResourceDefinition, subresource: string): boolean {
    if (subresource === "status") return definition.strategy.hasStatus;
    if (subresource === "scale") return definition.strategy.scale !== undefined;
    return definition.subresources.includes(subresource);
  }

  #requireSubresource(at: ObjectAt): void {
    if (at.subresource === undefined || !this.hasSubresource(at.definition, at.subresource)) throw resourceNotFound();
  }

  #writePart(at: ObjectAt): WritePart {
    return { part: this.#partOf(at), subresource: at.subresource ?? "" };
  }

  #partOf(at: ObjectAt): UpdatePart {
    if (at.subresource === undefined) return "object";
    this.#requireSubresource(at);
    if (at.subresource === "status" || at.subresource === "approval") return "status";
    if (at.subresource === "finalize") return "finalize";
    if (at.subresource === "ephemeralcontainers") return "ephemeral-containers";
    if (at.subresource === "resize") return "resize";
    throw methodNotSupported(at.definition.reference, "update");
  }

  #scalePaths(at: ObjectAt): NonNullable<ResourceDefinition["strategy"]["scale"]> {
    const paths = at.definition.strategy.scale;
    if (!paths) throw resourceNotFound();
    return paths;
  }

  async #changeScale(
    context: RequestContext,
    at: ObjectAt,
    change: (current: ApiObject) => JsonObject,
  ): Promise<ApiObject> {
    const paths = this.#scalePaths(at);
    const object = await this.registry.modify(
      context,
      at.definition,
      at.namespace,
      at.name,
      (current) => withScale(paths, current, change(current)),
      { part: "object", subresource: "scale" },
    );
    return scaleOf(paths, object);
  }

  /** A stored text as an object in the form of the definition's version. */
  presentText(definition: ResourceDefinition, text: string): ApiObject {
    return present(definition, asApiObject(JSON.parse(text)));
  }
}

function patched(current: ApiObject, patch: Patch): JsonObject {
  const result: unknown = applyPatch(current, patch);
  if (!isJsonObject(result)) throw badRequest("the patch does not leave an object");
  return asJsonObject(asApiObject(result));
}
