import type { KubernetesObject } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { compareResourceVersions, failureStatus } from "@skerry/kube";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import {
  type ApiRequest,
  type ApiResponse,
  jsonResponse,
  offlineStatus,
  statusResponse,
  warning,
} from "./api-exchange.ts";
import { type ApiResource, apiVersionOf, applicationKey } from "./api-path.ts";
import { type CloudApi, isPassing, listIn, objectIn } from "./cloud-api.ts";
import type { CloudWatches } from "./cloud-watches.ts";
import type { LocalObjects } from "./local-objects.ts";
import { type KnownScope, versionOf } from "./object-table.ts";
import { covers, type Scope, scopePredicate } from "./scope.ts";

export interface ReadsPorts {
  readonly cloud: CloudApi;
  readonly cloudLink: CloudLink;
  readonly local: LocalObjects;
  readonly watches: CloudWatches;
}

/** Answers get and list: from the cloud, and while that cannot be reached from what this node knows, saying so. */
export class Reads {
  readonly #ports: ReadsPorts;

  constructor(ports: ReadsPorts) {
    this.#ports = ports;
  }

  async get(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    { signal }: ApiRequest,
  ): Promise<ApiResponse> {
    const { cloud, local } = this.#ports;
    const key = applicationKey(resource, namespace, name);
    const reply = await cloud.ask({ key, verb: "get", subresource }, signal);
    if (reply.kind === "approved") {
      const object = subresource === "" ? objectIn(reply.responseBody) : undefined;
      if (object) await local.store(resource, [object]);
      return jsonResponse(200, reply.responseBody ?? "null");
    }
    if (reply.kind === "rejected" && !isPassing(reply.status)) {
      if (reply.status.code === 404 && subresource === "") await local.forget(resource, namespace, name);
      return statusResponse(reply.status);
    }
    const reason = reply.kind === "rejected" ? (reply.status.message ?? "") : reply.reason;
    const stored = subresource === "" ? local.get(resource, namespace, name) : undefined;
    const scope: Scope = { resource, namespace, labelSelector: "", fieldSelector: `metadata.name=${name}` };
    const known = local.coverage(scope);
    if (stored) return jsonResponse(200, stored, this.#staleness(scope, known));
    if (!known || subresource !== "") return statusResponse(offlineStatus(`${resource.resource} "${name}"`, reason));
    return statusResponse(failureStatus(404, "NotFound", `${resource.resource} "${name}" not found`));
  }

  async list(scope: Scope, { query, signal }: ApiRequest): Promise<ApiResponse> {
    const { cloud, local } = this.#ports;
    const isInScope = scopePredicate(scope);
    const known = local.coverage(scope);
    const option: JsonObject = {};
    for (const name of ["labelSelector", "fieldSelector", "continue"]) {
      const value = query.get(name);
      if (value) option[name] = value;
    }
    const limit = Number(query.get("limit"));
    if (Number.isInteger(limit) && limit > 0) option["limit"] = limit;
    const key = applicationKey(scope.resource, scope.namespace, "");
    const reply = await cloud.ask({ key, verb: "list", option }, signal);
    if (reply.kind === "approved") {
      const list = listIn(reply.responseBody, scope.resource);
      if (list && (list.more || option["continue"] !== undefined)) await local.store(scope.resource, list.items);
      else if (list) await local.storeList(scope, list, known);
      return jsonResponse(200, reply.responseBody ?? "null");
    }
    if (reply.kind === "rejected" && !isPassing(reply.status)) return statusResponse(reply.status);
    const reason = reply.kind === "rejected" ? (reply.status.message ?? "") : reply.reason;
    const items = local.list(scope.resource, scope.namespace).filter(isInScope);
    if (!known && items.length === 0)
      return statusResponse(offlineStatus(`the list of ${scope.resource.resource}`, reason));
    return jsonResponse(200, listOf(scope.resource, known, items), this.#staleness(scope, known));
  }

  /** Since when the answer may be behind the cloud, or that it is not all. */
  #staleness(scope: Scope, known: KnownScope | undefined): Readonly<Record<string, string>> {
    const { cloudLink, watches } = this.#ports;
    if (!known)
      return warning(
        "the cloud cannot be reached; this is only what the node holds for its own work, and not all there is",
      );
    const { state } = cloudLink;
    // What was watched was up to date until the link broke.
    const wasLive = watches.scopes.some((watched) => covers(watched, scope));
    const sinceMs = wasLive && state.kind === "disconnected" ? Math.max(known.listedMs, state.sinceMs) : known.listedMs;
    return warning(`the cloud cannot be reached; this is stale since ${new Date(sinceMs).toISOString()}`);
  }
}

function listOf(resource: ApiResource, known: KnownScope | undefined, items: readonly KubernetesObject[]): object {
  const newest = items
    .map(versionOf)
    .reduce((a, b) => (compareResourceVersions(a, b) >= 0 ? a : b), known?.version ?? "0");
  const kind = known?.kind ?? items[0]?.kind ?? "";
  return { apiVersion: apiVersionOf(resource), kind: `${kind}List`, metadata: { resourceVersion: newest }, items };
}
