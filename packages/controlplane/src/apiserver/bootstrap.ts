import type { JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import { bootstrapBindings, bootstrapRoles } from "../authorization/bootstrap-roles.ts";
import { ownPartOf, reconciledDefault } from "../authorization/reconcile-default.ts";
import { OWN_PARTS } from "../authorization/user-roles.ts";
import { asJsonObject, objectAt, textAt } from "../registry/api-object.ts";
import type { ApiService } from "../registry/api-service.ts";
import { type RequestContext, systemContext } from "../registry/request-context.ts";

const RBAC = "rbac.authorization.k8s.io";
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/**
 * Makes what every cluster begins with: namespaces, the first service account, roles and priority classes. Roles and
 * bindings that an older version made get what they lack.
 */
export async function bootstrapCluster(service: ApiService): Promise<void> {
  /** Returns whether it was made; false when it was there. */
  const create = async (group: string, resource: string, namespace: string, object: JsonObject): Promise<boolean> => {
    const definition = service.definitionOf({ group, version: "v1", resource });
    try {
      await service.create(apiServerContext(), definition, namespace, structuredClone(object));
      return true;
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
      return false;
    }
  };
  const createDefault = async (resource: string, object: JsonObject): Promise<void> => {
    if (!(await create(RBAC, resource, "", object))) await reconcile(service, resource, object);
  };
  const named = (kind: string, name: string, apiVersion = "v1"): JsonObject => ({
    apiVersion,
    kind,
    metadata: { name },
  });
  await Promise.all(NAMESPACES.map((name) => create("", "namespaces", "", named("Namespace", name))));
  await create("", "services", "default", structuredClone(API_SERVICE));
  await keepAddedRules(service);
  await Promise.all([
    ...NAMESPACES.map((namespace) => create("", "serviceaccounts", namespace, named("ServiceAccount", "default"))),
    ...bootstrapRoles.map((role) => createDefault("clusterroles", role)),
    ...bootstrapBindings.map((binding) => createDefault("clusterrolebindings", binding)),
    ...PRIORITY_CLASSES.map((priorityClass) => create("scheduling.k8s.io", "priorityclasses", "", priorityClass)),
  ]);
}

/** Of a version in which `admin`, `edit` and `view` were not put together from others; before they become so. */
async function keepAddedRules(service: ApiService): Promise<void> {
  const definition = service.definitionOf({ group: RBAC, version: "v1", resource: "clusterroles" });
  const { items } = service.list(definition, undefined, {});
  const roles = new Map(items.map((role) => [role.metadata.name, asJsonObject(role)]));
  for (const [name, partName] of OWN_PARTS) {
    const stored = roles.get(name);
    const part = stored && !roles.has(partName) ? ownPartOf(stored, partName) : undefined;
    if (part) await service.create(apiServerContext(), definition, "", structuredClone(part));
  }
}

async function reconcile(service: ApiService, resource: string, wanted: JsonObject): Promise<void> {
  const definition = service.definitionOf({ group: RBAC, version: "v1", resource });
  const at = { definition, namespace: "", name: textAt(objectAt(wanted, "metadata"), "name") };
  const merged = reconciledDefault(asJsonObject(service.get(at)), structuredClone(wanted));
  if (merged) await service.update(apiServerContext(), at, merged);
}

function apiServerContext(): RequestContext {
  return systemContext(false, "kube-apiserver");
}

/** Where pods look for the API, as on every cluster; nothing of ours leads there. */
const API_SERVICE: JsonObject = {
  ...{ apiVersion: "v1", kind: "Service" },
  metadata: { name: "kubernetes", labels: { component: "apiserver", provider: "kubernetes" } },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.1",
    ipFamilyPolicy: "SingleStack",
    ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }],
    sessionAffinity: "None",
  },
};

const PRIORITY_CLASSES: readonly JsonObject[] = [
  priorityClass("system-node-critical", 2_000_001_000),
  priorityClass("system-cluster-critical", 2_000_000_000),
];

function priorityClass(name: string, value: number): JsonObject {
  return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value };
}
