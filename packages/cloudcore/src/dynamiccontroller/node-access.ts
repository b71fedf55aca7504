import type { KubernetesObject, ResourceReference } from "@skerry/api";
import type { Clock } from "@skerry/base";
import type { DelegatedUser, KubernetesApi } from "@skerry/kube";
import type { ApplicationTarget } from "./application-request.ts";

/** What of a collection is meant. */
export interface Selection extends Omit<ApplicationTarget, "name"> {
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

/** An answer of the API server is good for so long. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 10_000;

const subjectAccessReviews: ResourceReference = {
  group: "authorization.k8s.io",
  version: "v1",
  resource: "subjectaccessreviews",
  kind: "SubjectAccessReview",
  namespaced: false,
};

interface AccessReview extends KubernetesObject {
  readonly spec: unknown;
  readonly status?: { readonly allowed?: boolean };
}

/** Whom the API server takes a node for. */
export function nodeUser(nodeName: string): DelegatedUser {
  return { name: `system:node:${nodeName}`, groups: ["system:nodes"] };
}

/**
 * A collection cut down to what is the node's own: Kubernetes lets a node follow its pods and its Node, and only with
 * the selector that says so. Undefined where there is no such part.
 */
export function ownPartOf(nodeName: string, selection: Selection): Selection | undefined {
  const { group, resource } = selection.resource;
  const field = group === "" ? OWN_FIELDS[resource] : undefined;
  if (field === undefined) return undefined;
  const own = `${field}=${nodeName}`;
  if (selection.fieldSelector.split(",").includes(own)) return undefined;
  return { ...selection, fieldSelector: selection.fieldSelector === "" ? own : `${selection.fieldSelector},${own}` };
}

const OWN_FIELDS: Readonly<Record<string, string>> = { pods: "spec.nodeName", nodes: "metadata.name" };

/**
 * Asks the API server what a node may watch. Everything else a node asks for is sent in its name, and so judged there;
 * a watch is shared by nodes, so it has to be judged before.
 */
export class NodeAccess {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, { readonly allowed: boolean; readonly untilMs: number }>();

  constructor(api: KubernetesApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Whether the node may watch it. @throws ApiError or `KUBE_UNREACHABLE` when the API server does not say */
  async mayWatch(nodeName: string, selection: Selection): Promise<boolean> {
    const attributes = attributesOf(selection);
    const key = JSON.stringify([nodeName, attributes]);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#remembered.get(key);
    if (known && known.untilMs > nowMs) return known.allowed;
    const user = nodeUser(nodeName);
    const review = await this.#api.create<AccessReview>(
      { resource: subjectAccessReviews },
      {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        metadata: { name: "" },
        spec: { user: user.name, groups: [...user.groups, "system:authenticated"], resourceAttributes: attributes },
      },
    );
    const allowed = review.status?.allowed === true;
    this.#remembered.delete(key);
    this.#remembered.set(key, { allowed, untilMs: nowMs + REMEMBERED_MS });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
    return allowed;
  }
}

function attributesOf({ resource, namespace, fieldSelector }: Selection): Record<string, unknown> {
  const requirements = fieldSelector.split(",").flatMap((part) => {
    const [, key, value] = /^([^=!]+)==?([^=]+)$/.exec(part) ?? [];
    return key === undefined ? [] : [{ key, operator: "In", values: [value] }];
  });
  const { group, version } = resource;
  return {
    verb: "watch",
    group,
    version,
    resource: resource.resource,
    ...(namespace === undefined ? {} : { namespace }),
    // As an API server reads a request: a watch of one name is about this object.
    ...nameOf(requirements),
    ...(requirements.length > 0 ? { fieldSelector: { requirements } } : {}),
  };
}

function nameOf(requirements: readonly { readonly key?: string; readonly values: readonly unknown[] }[]): object {
  const named = requirements.find(({ key }) => key === "metadata.name");
  return named ? { name: named.values[0] } : {};
}
