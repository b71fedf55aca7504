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
  await create("", "services", "default", structuredClone(API_SERVICE));
  await Promise.all([
    ...NAMESPACES.map((namespace) => create("", "serviceaccounts", namespace, named("ServiceAccount", "default"))),
    ...bootstrapRoles.map((role) => create(RBAC, "clusterroles", "", role)),
    ...bootstrapBindings.map((binding) => create(RBAC, "clusterrolebindings", "", binding)),
    ...PRIORITY_CLASSES.map((priorityClass) => create("scheduling.k8s.io", "priorityclasses", "", priorityClass)),
  ]);
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
