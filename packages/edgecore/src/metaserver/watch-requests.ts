import type { Status } from "@skerry/api";
import type { Clock } from "@skerry/base";
import { failureStatus, isResourceVersion } from "@skerry/kube";
import {
  type ApiRequest,
  type ApiResponse,
  badRequestStatus,
  busyStatus,
  expiredStatus,
  offlineStatus,
  statusResponse,
} from "./api-exchange.ts";
import { resourceText } from "./api-path.ts";
import type { CloudApi } from "./cloud-api.ts";
import type { CloudWatches, CloudWatchUse } from "./cloud-watches.ts";
import type { LocalObjects } from "./local-objects.ts";
import { type ObjectEvent, ObjectWatch } from "./object-watch.ts";
import type { Scope } from "./scope.ts";

export interface WatchRequestsPorts {
  readonly cloud: CloudApi;
  readonly local: LocalObjects;
  readonly watches: CloudWatches;
  readonly clock: Clock;
}

const MAX_WATCHES = 100;
/** As an API server ends them at the latest. */
const DEFAULT_TIMEOUT_S = 1_800;
const MAX_TIMEOUT_S = 3_600;

/** Answers watches: always from what is here, which the cloud keeps up to date while it can be reached. */
export class WatchRequests implements Disposable {
  readonly #ports: WatchRequestsPorts;
  readonly #ending = new Map<AbortController, string>();
  readonly #registration: Disposable;

  constructor(ports: WatchRequestsPorts) {
    this.#ports = ports;
    this.#registration = ports.local.onLost((lost) => {
      for (const [ending, resource] of this.#ending) if (resource === lost) ending.abort(expiredStatus());
    });
  }

  async answer(scope: Scope, { query, signal }: ApiRequest): Promise<ApiResponse> {
    const { cloud, local, watches } = this.#ports;
    // Clients that ask for it list first where a server has no such thing.
    if (query.has("sendInitialEvents")) return statusResponse(noInitialEvents());
    const asked = query.get("resourceVersion") ?? "";
    if (asked !== "" && !isResourceVersion(asked))
      return statusResponse(badRequestStatus(`resourceVersion ${JSON.stringify(asked.slice(0, 80))} is no version`));
    if (this.#ending.size >= MAX_WATCHES) return statusResponse(busyStatus(`${MAX_WATCHES} watches are open already`));
    const use = await watches.use(scope);
    if (!isUse(use)) return statusResponse(use);
    try {
      const isKnown = local.coverage(scope) !== undefined || local.list(scope.resource, scope.namespace).length > 0;
      if (!isKnown && !cloud.isConnected)
        throw offlineStatus(`a watch of ${scope.resource.resource}`, "and nothing of it is known here");
      const version = asked === "" || asked === "0" ? undefined : asked;
      const deletions = version === undefined ? [] : local.deletionsAfter(scope, version);
      if (deletions === undefined) throw expiredStatus();
      return this.#follow(scope, version, deletions, use, query, signal);
    } catch (error) {
      use[Symbol.dispose]();
      if (isStatus(error)) return statusResponse(error);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#registration[Symbol.dispose]();
    for (const ending of this.#ending.keys()) ending.abort();
  }

  #follow(
    scope: Scope,
    version: string | undefined,
    deletions: NonNullable<ReturnType<LocalObjects["deletionsAfter"]>>,
    use: CloudWatchUse,
    query: URLSearchParams,
    signal: AbortSignal,
  ): ApiResponse {
    const { local, clock } = this.#ports;
    const ending = new AbortController();
    const ended = AbortSignal.any([ending.signal, signal]);
    const watch = new ObjectWatch({ local, scope, version, deletions, signal: ended });
    use.onRefused((status) => ending.abort(status));
    const seconds = Math.min(Number(query.get("timeoutSeconds")) || DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S);
    const timer = clock.setTimer(seconds * 1_000, () => ending.abort());
    this.#ending.set(ending, resourceText(scope.resource));
    const release = (): void => {
      this.#ending.delete(ending);
      timer.cancel();
      watch[Symbol.dispose]();
      use[Symbol.dispose]();
    };
    ended.addEventListener("abort", release, { once: true });
    if (ended.aborted) release();
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: lines(watch, ending.signal, release),
    };
  }
}

async function* lines(watch: ObjectWatch, ended: AbortSignal, release: () => void): AsyncGenerator<string> {
  try {
    for await (const event of watch.events()) yield lineOf(event);
    const reason: unknown = ended.reason;
    if (ended.aborted && isStatus(reason)) yield lineOf({ type: "ERROR", object: reason });
  } finally {
    release();
  }
}

function lineOf(event: ObjectEvent): string {
  return `${JSON.stringify(event)}\n`;
}

function isUse(use: CloudWatchUse | Status): use is CloudWatchUse {
  return Symbol.dispose in use;
}

function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status";
}

/** As an API server without that feature says it; client libraries look for it. */
function noInitialEvents(): Status {
  const text = 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: this server does not send them';
  return failureStatus(422, "Invalid", text);
}
