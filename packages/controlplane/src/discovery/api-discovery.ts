import type { JsonObject } from "@skerry/base";
import { METRICS_GROUP, METRICS_RESOURCES, METRICS_VERSION } from "../apiserver/metrics-api.ts";
import { REVIEW_RESOURCES } from "../authorization/reviews.ts";
import type { ResourceCatalog } from "../registry/resource-catalog.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";
import { compareVersions } from "../registry/version-order.ts";

const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** What each subresource answers with, and what can be done with it. */
const SUBRESOURCES: Readonly<Record<string, { kind?: string; group?: string; version?: string; verbs: string[] }>> = {
  status: { verbs: ["get", "patch", "update"] },
  scale: { kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get", "patch", "update"] },
  binding: { kind: "Binding", verbs: ["create"] },
  eviction: { kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
  token: { kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] },
  ephemeralcontainers: { verbs: ["get", "patch", "update"] },
  resize: { verbs: ["get", "patch", "update"] },
  finalize: { verbs: ["update"] },
  approval: { verbs: ["get", "patch", "update"] },
};

/** One resource as discovery shows it, whatever the form. */
interface DiscoveredResource {
  readonly name: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly DiscoveredSubresource[];
}

interface DiscoveredSubresource {
  readonly name: string;
  readonly kind: string;
  readonly group: string | undefined;
  readonly version: string | undefined;
  readonly verbs: readonly string[];
}

/** Tells clients which groups, versions and resources are served. */
export class ApiDiscovery {
  readonly #catalog: ResourceCatalog;
  readonly #hasMetrics: boolean;

  /** @param hasMetrics whether the nodes can be asked for what they use */
  constructor(catalog: ResourceCatalog, hasMetrics = false) {
    this.#catalog = catalog;
    this.#hasMetrics = hasMetrics;
  }

  /** `/api` in its old form. */
  coreVersions(serverAddress: string): JsonObject {
    return {
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
    };
  }

  /** `/apis` in its old form. */
  groupList(): JsonObject {
    return { kind: "APIGroupList", apiVersion: "v1", groups: this.#groupNames().map((group) => this.#group(group)) };
  }

  /** `/apis/{group}`. */
  group(name: string): JsonObject | undefined {
    if (!this.#groupNames().includes(name)) return undefined;
    return { kind: "APIGroup", apiVersion: "v1", ...this.#group(name) };
  }

  /** Whether the group is served in any version. */
  hasGroup(name: string): boolean {
    return name === "" || this.#groupNames().includes(name);
  }

  /** `/api/v1` and `/apis/{group}/{version}`. */
  resourceList(group: string, version: string): JsonObject | undefined {
    const resources = this.#resources(group, version);
    if (resources.length === 0) return undefined;
    return {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: group === "" ? version : `${group}/${version}`,
      resources: resources.flatMap((resource) => [
        {
          name: resource.name,
          singularName: resource.singular,
          namespaced: resource.namespaced,
          kind: resource.kind,
          verbs: [...resource.verbs],
          ...(resource.shortNames.length > 0 ? { shortNames: [...resource.shortNames] } : {}),
          ...(resource.categories.length > 0 ? { categories: [...resource.categories] } : {}),
        },
        ...resource.subresources.map((sub) => ({
          name: `${resource.name}/${sub.name}`,
          singularName: "",
          namespaced: resource.namespaced,
          ...(sub.group === undefined ? {} : { group: sub.group }),
          ...(sub.version === undefined ? {} : { version: sub.version }),
          kind: sub.kind,
          verbs: [...sub.verbs],
        })),
      ]),
    };
  }

  /** `/api` or `/apis` in the aggregated form of `apidiscovery.k8s.io/v2`. */
  aggregated(core: boolean): JsonObject {
    const groups = core ? [""] : this.#groupNames();
    return {
      kind: "APIGroupDiscoveryList",
      apiVersion: "apidiscovery.k8s.io/v2",
      metadata: {},
      items: groups.map((group) => ({
        metadata: group === "" ? {} : { name: group },
        versions: this.#versions(group).map((version) => ({
          version,
          resources: this.#resources(group, version).map((resource) => aggregatedResource(resource, group, version)),
          freshness: "Current",
        })),
      })),
    };
  }

  #group(name: string): JsonObject {
    const versions = this.#versions(name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] ?? {} };
  }

  #groupNames(): string[] {
    const names = new Set<string>();
    for (const { reference } of this.#catalog.all()) if (reference.group !== "") names.add(reference.group);
    for (const review of REVIEW_RESOURCES) names.add(review.group);
    if (this.#hasMetrics) names.add(METRICS_GROUP);
    return [...names];
  }

  #versions(group: string): string[] {
    const versions = new Set<string>();
    for (const { reference } of this.#catalog.all()) if (reference.group === group) versions.add(reference.version);
    if (REVIEW_RESOURCES.some((review) => review.group === group)) versions.add("v1");
    if (group === METRICS_GROUP && this.#hasMetrics) versions.add(METRICS_VERSION);
    return [...versions].sort(compareVersions);
  }

  #resources(group: string, version: string): DiscoveredResource[] {
    const stored = this.#catalog
      .all()
      .filter(({ reference }) => reference.group === group && reference.version === version)
      .map(discovered);
    const reviews = REVIEW_RESOURCES.filter((review) => review.group === group && version === "v1").map((review) => ({
      name: review.resource,
      singular: review.kind.toLowerCase(),
      namespaced: review.namespaced,
      kind: review.kind,
      verbs: ["create"],
      shortNames: [],
      categories: [],
      subresources: [],
    }));
    const isMetrics = this.#hasMetrics && group === METRICS_GROUP && version === METRICS_VERSION;
    const metrics = (isMetrics ? METRICS_RESOURCES : []).map(({ resource, kind, namespaced }) => ({
      name: resource,
      singular: "",
      namespaced,
      kind,
      verbs: ["get", "list"],
      shortNames: [],
      categories: [],
      subresources: [],
    }));
    return [...stored, ...reviews, ...metrics].sort((left, right) => (left.name < right.name ? -1 : 1));
  }
}

function discovered(definition: ResourceDefinition): DiscoveredResource {
  const { reference, strategy } = definition;
  const names = [...definition.subresources];
  if (strategy.hasStatus) names.push("status");
  if (strategy.scale) names.push("scale");
  const withoutCollectionDelete = reference.resource === "namespaces" && reference.group === "";
  return {
    name: reference.resource,
    singular: definition.singular,
    namespaced: reference.namespaced,
    kind: reference.kind,
    verbs: withoutCollectionDelete ? ALL_VERBS.filter((verb) => verb !== "deletecollection") : ALL_VERBS,
    shortNames: definition.shortNames,
    categories: definition.categories,
    subresources: names.sort().map((name) => {
      const known = SUBRESOURCES[name];
      return {
        name,
        kind: known?.kind ?? reference.kind,
        group: known?.group,
        version: known?.version,
        verbs: known?.verbs ?? ["get"],
      };
    }),
  };
}

function aggregatedResource(resource: DiscoveredResource, group: string, version: string): JsonObject {
  return {
    resource: resource.name,
    responseKind: { group, version, kind: resource.kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: [...resource.verbs],
    ...(resource.shortNames.length > 0 ? { shortNames: [...resource.shortNames] } : {}),
    ...(resource.categories.length > 0 ? { categories: [...resource.categories] } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind },
            verbs: [...sub.verbs],
          })),
        }
      : {}),
  };
}
