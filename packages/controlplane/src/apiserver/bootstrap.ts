import type { JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import { bootstrapBindings, bootstrapRoles } from "../authorization/bootstrap-roles.ts";
import type { ApiService } from "../registry/api-service.ts";
import { systemContext } from "../registry/request-context.ts";

const RBAC = "rbac.authorization.k8s.io";
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Makes what every cluster begins with: namespaces, the first service account, roles and priority classes. */
export async function bootstrapCluster(service: ApiService): Promise<void> {
  const create = async (group: string, resource: string, namespace: string, object: JsonObject): Promise<void> => {
    const definition = service.definitionOf({ group, version: "v1", resource });
    try {
      await service.create(systemContext(false, "kube-apiserver"), definition, namespace, structuredClone(object));
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
  };
  const named = (kind: string, name: string, apiVersion = "v1"): JsonObject => ({
    apiVersion,
    kind,
    metadata: { name },
  });
  await Promise.all(NAMESPACES.map((name) => create("", "namespaces", "", named("Namespace", name))));
  await Promise.all([
    ...NAMESPACES.map((namespace) => create("", "serviceaccounts", namespace, named("ServiceAccount", "default"))),
    ...bootstrapRoles.map((role) => create(RBAC, "clusterroles", "", role)),
    ...bootstrapBindings.map((binding) => create(RBAC, "clusterrolebindings", "", binding)),
    ...PRIORITY_CLASSES.map((priorityClass) => create("scheduling.k8s.io", "priorityclasses", "", priorityClass)),
  ]);
}

const PRIORITY_CLASSES: readonly JsonObject[] = [
  priorityClass("system-node-critical", 2_000_001_000),
  priorityClass("system-cluster-critical", 2_000_000_000),
];

function priorityClass(name: string, value: number): JsonObject {
  return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value };
}
