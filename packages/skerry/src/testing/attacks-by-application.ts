import {
  configMaps,
  devices,
  type KubernetesObject,
  leases,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type ResourceReference,
  secrets,
  serviceAccounts,
} from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { systemRandom as random } from "@skerry/base/platform";
import type { Application, ApplicationVerb } from "@skerry/link";

export const OWN = "edge-1";
export const VICTIM = "edge-2";

/** Kinds of which each node has an object that is called after it. */
export const KINDS: readonly ResourceReference[] = [
  nodes,
  leases,
  pods,
  secrets,
  configMaps,
  persistentVolumes,
  persistentVolumeClaims,
  serviceAccounts,
  devices,
];

export function markOf(nodeName: string): string {
  return `belongs-to-${nodeName}`;
}

export function namespaceOf(resource: ResourceReference): string | undefined {
  if (!resource.namespaced) return undefined;
  return resource === leases ? "kube-node-lease" : "default";
}

/** An object of the kind that belongs to the node, with the node's mark in it. */
export function objectOf(resource: ResourceReference, nodeName: string): KubernetesObject {
  const mark = markOf(nodeName);
  const storage = { accessModes: ["ReadWriteOnce"] };
  const contents: Readonly<Record<string, object>> = {
    leases: { spec: { holderIdentity: nodeName } },
    pods: {
      spec: {
        nodeName,
        serviceAccountName: nodeName,
        containers: [{ name: "app", image: "x", envFrom: [{ configMapRef: { name: nodeName } }] }],
        volumes: [
          { name: "secret", secret: { secretName: nodeName } },
          { name: "claim", persistentVolumeClaim: { claimName: nodeName } },
        ],
      },
    },
    secrets: { data: { value: Buffer.from(mark).toString("base64") } },
    configmaps: { data: { value: mark } },
    persistentvolumes: {
      spec: {
        ...{ ...storage, capacity: { storage: "1Gi" }, hostPath: { path: "/data" } },
        claimRef: { namespace: "default", name: nodeName },
      },
    },
    persistentvolumeclaims: {
      spec: { ...storage, volumeName: nodeName, resources: { requests: { storage: "1Gi" } } },
    },
    devices: { spec: { nodeName, deviceModelRef: { name: nodeName }, protocol: { protocolName: "x" } } },
  };
  const namespace = namespaceOf(resource);
  return {
    apiVersion: resource.group === "" ? resource.version : `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata: {
      ...{ name: nodeName, annotations: { mark } },
      ...(namespace ? { namespace } : {}),
      ...(resource === nodes ? { labels: { "node-role.kubernetes.io/edge": "" } } : {}),
    },
    ...contents[resource.resource],
  } as KubernetesObject;
}

export function application(verb: ApplicationVerb, key: string, changes: Partial<Application> = {}): Application {
  return { id: random.uuid(), key, verb, nodeName: OWN, option: {}, subresource: "", ...changes };
}

export function keyOf(
  resource: ResourceReference,
  name = "null",
  namespace: string = namespaceOf(resource) ?? "null",
): string {
  return `/${resource.group || "core"}/${resource.version}/${resource.resource}/${namespace}/${name}`;
}

/** Ways to say which objects of a collection are meant. */
const SELECTORS: readonly JsonObject[] = [
  {},
  { fieldSelector: `metadata.name=${VICTIM}` },
  { fieldSelector: `spec.nodeName=${VICTIM}` },
  { fieldSelector: `metadata.name!=${OWN}` },
  { labelSelector: "!no-such-label" },
];

/** Every read or watch of the kind that would bring the victim's object. */
export function readsOf(verb: "list" | "watch", resource: ResourceReference): Application[] {
  const collections = resource.namespaced ? [keyOf(resource), keyOf(resource, "null", "null")] : [keyOf(resource)];
  const keys = [...collections, keyOf(resource, VICTIM)];
  return keys.flatMap((key) => SELECTORS.map((option) => application(verb, key, { option, nodeName: VICTIM })));
}

/** A watch that the node may have. */
export function ownPods(): Application {
  return application("watch", keyOf(pods), { option: { fieldSelector: `spec.nodeName=${OWN}` } });
}

export function attacksOn(resource: ResourceReference): Application[] {
  const key = keyOf(resource, VICTIM);
  const stolen = objectOf(resource, VICTIM);
  const changed = { ...stolen, metadata: { ...stolen.metadata, annotations: { mark: "changed" } } };
  const another = { ...stolen, metadata: { ...stolen.metadata, name: `${VICTIM}-new` } };
  const data = Buffer.from(
    JSON.stringify({ metadata: { annotations: { mark: "changed" } }, status: { phase: "Failed" } }),
  ).toString("base64");
  const patch = (patchType: string, subresources: readonly string[]): Application =>
    application("patch", keyOf(resource), {
      option: {
        Name: VICTIM,
        PatchType: `application/${patchType}`,
        Data: data,
        Options: {},
        Subresources: [...subresources],
      },
    });
  return [
    application("get", key),
    application("get", key, { nodeName: VICTIM }),
    ...["status", "log", "proxy", "token", "exec"].map((subresource) => application("get", key, { subresource })),
    ...readsOf("list", resource),
    application("create", keyOf(resource), { requestBody: JSON.stringify(another) }),
    ...["token", "binding", "eviction", "exec", "ephemeralcontainers"].map((subresource) =>
      application("create", key, { subresource, requestBody: JSON.stringify(stolen) }),
    ),
    application("update", key, { requestBody: JSON.stringify(changed) }),
    application("updatestatus", key, { requestBody: JSON.stringify({ ...changed, status: { phase: "Failed" } }) }),
    ...["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"].flatMap((type): Application[] => [
      patch(type, []),
      patch(type, ["status"]),
    ]),
    application("delete", key),
  ];
}

/** Of no node's objects: what would make a node more than it is. */
export const OTHER_ATTACKS: readonly Application[] = [
  ...["casecret", "tokensecret"].map((name) => application("get", keyOf(secrets, name, "kubeedge"))),
  application("list", keyOf(secrets, "null", "kubeedge")),
  application("list", keyOf(secrets, "null", "kube-system")),
  ...[`/api/v1/namespaces/default/secrets/${VICTIM}`, "/api/v1/secrets", `/api/v1/nodes/${VICTIM}/proxy/pods`].map(
    (path) => application("get", path),
  ),
  application("get", `/core/v1/secrets/default/${OWN}/../${VICTIM}`),
  application("get", `/core/v1/secrets/default/..%2f..%2fkubeedge%2fsecrets%2fcasecret`),
  application("get", keyOf(secrets, `${OWN}/../${VICTIM}`)),
  application("create", "/rbac.authorization.k8s.io/v1/clusterrolebindings/null/null", {
    requestBody: JSON.stringify({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "mine" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `system:node:${OWN}` }],
    }),
  }),
];
