import type { KubernetesObject, ObjectList, Status } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { ApiError, failureStatus } from "../api-error.ts";
import { malformedAnswer } from "../errors.ts";
import type {
  CollectionTarget,
  DeleteOptions,
  KubernetesApi,
  ListOptions,
  ObjectTarget,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../kubernetes-api.ts";
import { collectionPath, objectPath } from "../rest/resource-path.ts";
import { parseWatchLine, splitLines } from "../rest/watch-lines.ts";
import { HttpsRequester, type RequesterLimits, type RestRequest } from "./https-requester.ts";
import type { KubeConnection } from "./kube-connection.ts";

const PATCH_CONTENT_TYPES: Readonly<Record<Patch["type"], string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

const DEFAULT_LIMITS: RequesterLimits = { timeoutMs: 30_000, maximumAnswerBytes: 64 * 1024 * 1024 };
/** Above the 3 MiB that an API server accepts for one object, with room for JSON's escapes. */
const LONGEST_WATCH_LINE_BYTES = 8 * 1024 * 1024;

/** The Kubernetes API of a real server, over HTTPS (or plain HTTP, e.g. behind `kubectl proxy`). */
export class HttpsKubernetesApi implements KubernetesApi, Disposable {
  readonly #requester: HttpsRequester;

  constructor(connection: KubeConnection, limits: Partial<RequesterLimits> = {}) {
    this.#requester = new HttpsRequester(connection, { ...DEFAULT_LIMITS, ...limits });
  }

  get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T> {
    return this.#send({ method: "GET", path: objectPath(target), ...(signal ? { signal } : {}) });
  }

  async list<T extends KubernetesObject>(target: CollectionTarget, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { signal, limit, ...query } = options;
    const list = await this.#send<ObjectList<T>>({
      method: "GET",
      path: collectionPath(target),
      query: { ...query, limit: limit?.toString() },
      ...(signal ? { signal } : {}),
    });
    // Items of a list come without kind and apiVersion; the port promises whole objects.
    const kind = list.kind.replace(/List$/, "");
    return {
      ...list,
      items: (list.items ?? []).map((item) => (item.kind ? item : { ...item, apiVersion: list.apiVersion, kind })),
    };
  }

  async *watch<T extends KubernetesObject>(
    target: CollectionTarget,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, allowWatchBookmarks, timeoutSeconds, ...query } = options;
    const { status, body } = await this.#requester.stream({
      method: "GET",
      path: collectionPath(target),
      query: {
        ...query,
        watch: "true",
        allowWatchBookmarks: allowWatchBookmarks ? "true" : undefined,
        timeoutSeconds: timeoutSeconds?.toString(),
      },
      ...(signal ? { signal } : {}),
    });
    const lines = splitLines(body, LONGEST_WATCH_LINE_BYTES);
    if (status >= 300) {
      const first = await lines.next();
      await lines.return();
      throw errorOf(status, first.done ? "" : first.value);
    }
    for await (const line of lines) if (line !== "") yield parseWatchLine<T>(line);
  }

  create<T extends KubernetesObject>(target: CollectionTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#write({ method: "POST", path: collectionPath(target), body: object }, options);
  }

  createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#write({ method: "POST", path: objectPath(target), body: object }, options);
  }

  update<T extends KubernetesObject>(target: ObjectTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#write({ method: "PUT", path: objectPath(target), body: object }, options);
  }

  patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options?: WriteOptions): Promise<T> {
    const request: RestRequest = {
      method: "PATCH",
      path: objectPath(target),
      body: patch.body,
      contentType: PATCH_CONTENT_TYPES[patch.type],
    };
    if (patch.type !== "apply") return this.#write(request, options);
    const force = patch.force === undefined ? undefined : String(patch.force);
    return this.#write({ ...request, query: { force } }, { ...options, fieldManager: patch.fieldManager });
  }

  delete(target: ObjectTarget, options: DeleteOptions = {}): Promise<KubernetesObject | Status> {
    const { signal, ...rest } = options;
    return this.#send({
      method: "DELETE",
      path: objectPath(target),
      body: { apiVersion: "v1", kind: "DeleteOptions", ...rest },
      ...(signal ? { signal } : {}),
    });
  }

  [Symbol.dispose](): void {
    this.#requester[Symbol.dispose]();
  }

  #write<T>(request: RestRequest, options: WriteOptions = {}): Promise<T> {
    const { fieldManager, dryRun, signal } = options;
    return this.#send({
      ...request,
      query: { ...request.query, fieldManager, dryRun: dryRun ? "All" : undefined },
      ...(signal ? { signal } : {}),
    });
  }

  async #send<T>(request: RestRequest): Promise<T> {
    const { status, text } = await this.#requester.send(request);
    if (status >= 300) throw errorOf(status, text);
    const body = parsed(text);
    if (!isJsonObject(body)) throw malformedAnswer("a JSON object");
    return body as T;
  }
}

/** The error of an answer: its Status, or one made from the HTTP status when it carries none. */
function errorOf(httpStatus: number, text: string): ApiError {
  const body = parsed(text);
  if (isJsonObject(body) && body["kind"] === "Status" && typeof body["message"] === "string")
    return new ApiError({ ...(body as unknown as Status), code: httpStatus });
  const excerpt = text.trim().slice(0, 200);
  return new ApiError(
    failureStatus(
      httpStatus,
      REASONS[httpStatus] ?? (httpStatus >= 500 ? "InternalError" : "Unknown"),
      `The API server answered ${httpStatus}${excerpt ? `: ${excerpt}` : ""}`,
    ),
  );
}

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
