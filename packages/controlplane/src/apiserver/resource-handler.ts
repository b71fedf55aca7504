import type { ObjectList, Pod } from "@skerry/api";
import type { Clock, JsonObject } from "@skerry/base";
import { badRequest, fieldIs } from "@skerry/kube";
import type { TypeCatalog } from "../openapi/type-table.ts";
import { type ApiObject, asJsonObject } from "../registry/api-object.ts";
import type { ApiService, ObjectAt } from "../registry/api-service.ts";
import type { RequestContext, UserInfo } from "../registry/request-context.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";
import { methodNotSupported, resourceNotFound } from "../registry/status-errors.ts";
import { type IncludeObject, partialMetadata, partialMetadataList, tableOf } from "../table/table.ts";
import { type ApiRequest, type ApiResponse, jsonResponse } from "./api-request.ts";
import { duplicateMembers } from "./duplicate-members.ts";
import { negotiate, type ResponseForm } from "./negotiation.ts";
import { connectionOptions, type KubeletTarget, POD_STREAMS, type PodStreams } from "./pod-streams.ts";
import { deleteOptions, isTrue, listOptions, watchOptions, writeContext } from "./query-options.ts";
import { isJson, readObject, readPatch } from "./request-body.ts";
import type { RequestPath } from "./resource-path.ts";
import { warningHeaders } from "./warning-headers.ts";
import { watchLines } from "./watch-lines.ts";

type ResourcePath = RequestPath & { kind: "resource" };

/** Answers requests for resources: reads paths, options and bodies, and gives the objects the form that was asked for. */
export class ResourceHandler {
  readonly #service: ApiService;
  readonly #types: TypeCatalog;
  readonly #clock: Clock;
  readonly #streams: PodStreams;

  constructor(service: ApiService, types: TypeCatalog, clock: Clock, streams: PodStreams) {
    this.#service = service;
    this.#types = types;
    this.#clock = clock;
    this.#streams = streams;
  }

  /** @throws ApiError */
  handle(request: ApiRequest, path: ResourcePath, user: UserInfo): ApiResponse | Promise<ApiResponse> {
    const definition = this.#service.definitionOf(path);
    if (path.namespace !== "" && !definition.reference.namespaced) throw resourceNotFound();
    if (path.name === "") return this.#handleCollection(request, path, definition, user);
    if (definition.reference.namespaced && path.namespace === "") throw resourceNotFound();
    if (path.proxyPath !== undefined) return this.#streams.proxyToNode(request, path.name, path.proxyPath);
    if (isPodStream(path, definition))
      return this.#streams.answer(request, () => this.#podAt(path, definition), path.subresource);
    if (path.subresource !== "" && !this.#service.hasSubresource(definition, path.subresource))
      throw resourceNotFound();
    const at: ObjectAt = {
      definition,
      namespace: path.namespace,
      name: path.name,
      ...(path.subresource === "" ? {} : { subresource: path.subresource }),
    };
    if (request.method === "GET" && (path.watch || isTrue(request.query, "watch"))) {
      const query = new URLSearchParams(request.query);
      // What was asked for stays: it may be why the watch is allowed. It comes last, lest an escape at its end takes in more.
      const asked = query.get("fieldSelector") ?? "";
      query.set("fieldSelector", [fieldIs("metadata.name", path.name), ...(asked === "" ? [] : [asked])].join(","));
      return this.#watch({ ...request, query }, path, definition, user);
    }
    return this.#handleObject(request, at, user);
  }

  /** What an upgrade is led to. @throws ApiError when it is none of a pod's streams */
  async upgradeTarget(request: ApiRequest, path: ResourcePath, user: UserInfo): Promise<KubeletTarget> {
    const definition = this.#service.definitionOf(path);
    if (path.proxyPath !== undefined)
      throw badRequest("an upgrade is not led through a proxy here: use kubectl port-forward");
    if (!isPodStream(path, definition) || path.namespace === "") throw resourceNotFound();
    const target = this.#streams.upgradeTarget(request, () => this.#podAt(path, definition), path.subresource);
    const at: ObjectAt = { definition, namespace: path.namespace, name: path.name, subresource: path.subresource };
    const asked = connectionOptions(path.subresource, request.query);
    await this.#service.registry.reviewAction(writeContext(request, user), at, asked, "CONNECT");
    return target;
  }

  #podAt({ namespace, name }: ResourcePath, definition: ResourceDefinition): Pod {
    return this.#service.get({ definition, namespace, name }) as unknown as Pod; // Stored pods are validated.
  }

  async #handleObject(request: ApiRequest, at: ObjectAt, user: UserInfo): Promise<ApiResponse> {
    const { definition } = at;
    switch (request.method) {
      case "GET":
        return this.#answer(
          request,
          definition,
          200,
          this.#service.get(at, request.query.get("resourceVersion") ?? ""),
        );
      case "PUT": {
        const body = readObject(request, this.#types);
        const context = contextOfChange(request, user, at, body);
        const object = await this.#service.update(context, at, body);
        return this.#answer(request, definition, 200, object, context);
      }
      case "PATCH": {
        const context = contextOfChange(request, user, at);
        const patch = readPatch(request);
        if (patch.type === "apply") {
          const { object, isNew } = await this.#service.apply(context, at, patch);
          return this.#answer(request, definition, isNew ? 201 : 200, object, context);
        }
        return this.#answer(request, definition, 200, await this.#service.patch(context, at, patch), context);
      }
      case "POST": {
        if (at.subresource === undefined) throw methodNotSupported(definition.reference, "post");
        const context = writeContext(request, user);
        const object = await this.#service.createSubresource(context, at, readObject(request, this.#types));
        return this.#answer(request, definition, 201, object, context);
      }
      case "DELETE": {
        if (at.subresource !== undefined) throw methodNotSupported(definition.reference, "delete");
        const body = request.body.length === 0 ? {} : readObject(request, this.#types);
        const context = writeContext(request, user, body);
        const result = await this.#service.delete(context, at, deleteOptions(request.query, body));
        return result.kind === "Status"
          ? jsonResponse(200, result)
          : this.#answer(request, definition, 200, result as ApiObject, context);
      }
      default:
        throw methodNotSupported(definition.reference, request.method.toLowerCase());
    }
  }

  async #handleCollection(
    request: ApiRequest,
    path: ResourcePath,
    definition: ResourceDefinition,
    user: UserInfo,
  ): Promise<ApiResponse> {
    const namespace = path.namespace === "" ? undefined : path.namespace;
    switch (request.method) {
      case "GET":
        if (path.watch || isTrue(request.query, "watch")) return this.#watch(request, path, definition, user);
        return this.#answerList(
          request,
          definition,
          this.#service.list(definition, namespace, listOptions(request.query)),
        );
      case "POST": {
        if (definition.reference.namespaced && namespace === undefined)
          throw badRequest("an empty namespace may not be set during creation");
        const body = readObject(request, this.#types);
        const context = contextOfChange(request, user, { definition }, body);
        const object = await this.#service.create(context, definition, path.namespace, body);
        return this.#answer(request, definition, 201, object, context);
      }
      case "DELETE": {
        const body = request.body.length === 0 ? {} : readObject(request, this.#types);
        const context = writeContext(request, user, body);
        const options = deleteOptions(request.query, body);
        const list = await this.#service.deleteCollection(
          context,
          definition,
          namespace,
          listOptions(request.query),
          options,
        );
        return this.#answerList(request, definition, list);
      }
      default:
        throw methodNotSupported(definition.reference, request.method.toLowerCase());
    }
  }

  async #watch(
    request: ApiRequest,
    path: ResourcePath,
    definition: ResourceDefinition,
    { username }: UserInfo,
  ): Promise<ApiResponse> {
    const options = { ...watchOptions(request.query, request.signal), username };
    const events = this.#service.watch(definition, path.namespace === "" ? undefined : path.namespace, options);
    const form = negotiate(request.headers["accept"]);
    const lines = watchLines(events, {
      definition,
      form,
      include: includeOf(request, "Metadata"),
      now: () => this.#clock.now(),
    });
    return { status: 200, headers: { "content-type": "application/json" }, body: lines };
  }

  #answer(
    request: ApiRequest,
    definition: ResourceDefinition,
    status: number,
    object: ApiObject,
    context?: RequestContext,
  ): ApiResponse {
    const form = negotiate(request.headers["accept"]);
    const isOwnKind = object.kind === definition.reference.kind;
    return jsonResponse(
      status,
      isOwnKind ? this.#shown(request, definition, form, object) : object,
      warningsOf(definition, context),
    );
  }

  #shown(request: ApiRequest, definition: ResourceDefinition, form: ResponseForm, object: ApiObject): JsonObject {
    if (form === "partial-metadata") return partialMetadata(object);
    if (form !== "table") return asJsonObject(object);
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? "" };
    return tableOf(definition, [object], metadata, includeOf(request, "Metadata"), this.#clock.now());
  }

  #answerList(request: ApiRequest, definition: ResourceDefinition, list: ObjectList<ApiObject>): ApiResponse {
    const form = negotiate(request.headers["accept"]);
    if (form === "table")
      return jsonResponse(
        200,
        tableOf(definition, list.items, list.metadata, includeOf(request, "Metadata"), this.#clock.now()),
        warningsOf(definition),
      );
    if (form === "partial-metadata") return jsonResponse(200, partialMetadataList(list));
    return jsonResponse(
      200,
      definition.isCustom ? list : { ...list, items: list.items.map(withoutKind) },
      warningsOf(definition),
    );
  }
}

/** Items of a list of a built-in kind come without what the list already says. */
function withoutKind({ kind: _kind, apiVersion: _apiVersion, ...item }: ApiObject): object {
  return item;
}

function isPodStream(path: ResourcePath, { reference }: ResourceDefinition): boolean {
  return (
    reference.group === "" && reference.resource === "pods" && path.name !== "" && POD_STREAMS.has(path.subresource)
  );
}

function includeOf(request: ApiRequest, fallback: IncludeObject): IncludeObject {
  const value = request.query.get("includeObject");
  return value === "None" || value === "Metadata" || value === "Object" ? value : fallback;
}

/** What the client is told besides: of the resource, and of what it sent. */
function warningsOf({ deprecation }: ResourceDefinition, context?: RequestContext): Record<string, string> {
  return warningHeaders([...(deprecation === undefined ? [] : [deprecation]), ...(context?.warnings ?? [])]);
}

/** Who may write, and what whoever writes an object, not a subresource of it, should know of the kind. */
function contextOfChange(
  request: ApiRequest,
  user: UserInfo,
  { definition, subresource }: Pick<ObjectAt, "definition" | "subresource">,
  body?: JsonObject,
): RequestContext {
  const written = writeContext(request, user);
  const isUnchecked = body === undefined || written.fieldValidation === "Ignore" || !isJson(request);
  const duplicates = isUnchecked ? [] : duplicateMembers(new TextDecoder().decode(request.body), body);
  const context = { ...written, duplicates };
  const { withoutEffect } = definition;
  if (withoutEffect !== undefined && subresource === undefined) context.warnings.push(withoutEffect);
  return context;
}
