/** How one member of a built-in type is merged; members not listed: objects merge, lists are replaced whole. */
export interface MemberRule {
  /** Type of the member's value (or of its items), when it has rules of its own. */
  readonly type?: string;
  /** The list is merged: objects by this member, or plain values as a set (`primitive`). */
  readonly merge?: { readonly key: string } | "primitive";
  /** Its `$retainKeys` list says which members may stay (unions such as `strategy` and `volumes`). */
  readonly retainKeys?: boolean;
}

type TypeRules = Readonly<Record<string, MemberRule>>;

const byKey = (key: string, type?: string): MemberRule => ({ merge: { key }, ...(type ? { type } : {}) });
const object = (type: string): MemberRule => ({ type });

/** The patch strategies and merge keys that the Kubernetes API gives its types (generated reference, "patch strategy"). */
const TYPES: Readonly<Record<string, TypeRules>> = {
  ObjectMeta: { ownerReferences: byKey("uid"), finalizers: { merge: "primitive" } },
  PodTemplateSpec: { metadata: object("ObjectMeta"), spec: object("PodSpec") },
  PodSpec: {
    volumes: { merge: { key: "name" }, retainKeys: true, type: "Volume" },
    containers: byKey("name", "Container"),
    initContainers: byKey("name", "Container"),
    ephemeralContainers: byKey("name", "Container"),
    imagePullSecrets: byKey("name"),
    hostAliases: byKey("ip"),
    topologySpreadConstraints: byKey("topologyKey"),
    schedulingGates: byKey("name"),
    resourceClaims: { merge: { key: "name" }, retainKeys: true },
  },
  Container: {
    ports: byKey("containerPort"),
    env: byKey("name"),
    volumeMounts: byKey("mountPath"),
    volumeDevices: byKey("devicePath"),
  },
  Volume: {},
  PodStatus: {
    conditions: byKey("type"),
    podIPs: byKey("ip"),
    hostIPs: byKey("ip"),
    resourceClaimStatuses: { merge: { key: "name" }, retainKeys: true },
  },
  NodeSpec: { podCIDRs: { merge: "primitive" } },
  NodeStatus: { conditions: byKey("type"), addresses: byKey("type") },
  ServiceSpec: { ports: byKey("port") },
  ConditionStatus: { conditions: byKey("type") },
  DeploymentSpec: { template: object("PodTemplateSpec"), strategy: { retainKeys: true } },
  WorkloadSpec: { template: object("PodTemplateSpec") },
  CronJobSpec: { jobTemplate: object("JobTemplateSpec") },
  JobTemplateSpec: { metadata: object("ObjectMeta"), spec: object("WorkloadSpec") },
  Webhook: { matchConditions: byKey("name") },
  LimitRangeSpec: {},
};

const workload: TypeRules = { spec: object("WorkloadSpec"), status: object("ConditionStatus") };
const conditions: TypeRules = { status: object("ConditionStatus") };

/** Built-in kinds by `group/Kind`; `metadata` is an ObjectMeta in all of them. */
const KINDS: Readonly<Record<string, TypeRules>> = {
  "/Pod": { spec: object("PodSpec"), status: object("PodStatus") },
  "/PodTemplate": { template: object("PodTemplateSpec") },
  "/Node": { spec: object("NodeSpec"), status: object("NodeStatus") },
  "/Namespace": conditions,
  "/Service": { spec: object("ServiceSpec"), status: object("ConditionStatus") },
  "/ServiceAccount": { secrets: byKey("name") },
  "/ReplicationController": workload,
  "/PersistentVolumeClaim": conditions,
  "apps/Deployment": { spec: object("DeploymentSpec"), status: object("ConditionStatus") },
  "apps/ReplicaSet": workload,
  "apps/StatefulSet": workload,
  "apps/DaemonSet": workload,
  "batch/Job": workload,
  "batch/CronJob": { spec: object("CronJobSpec") },
  "policy/PodDisruptionBudget": conditions,
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": { webhooks: byKey("name", "Webhook") },
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": { webhooks: byKey("name", "Webhook") },
};

/** Groups whose kinds are built into Kubernetes: the others' objects cannot be patched strategically. */
const BUILT_IN_GROUPS: ReadonlySet<string> = new Set([
  "",
  "apps",
  "batch",
  "autoscaling",
  "policy",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "rbac.authorization.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
]);

/** Looks up the rules while a patch walks down an object. */
export interface MergeSchema {
  /** The rule of a member, and the schema below it. */
  member(name: string): { readonly rule: MemberRule; readonly schema: MergeSchema };
}

const NO_RULE: MemberRule = {};

function schemaOf(rules: TypeRules | undefined): MergeSchema {
  return {
    member(name) {
      const rule = rules && Object.hasOwn(rules, name) ? (rules[name] ?? NO_RULE) : NO_RULE;
      return { rule, schema: rule.type === undefined ? PLAIN : schemaOf(TYPES[rule.type]) };
    },
  };
}

const PLAIN: MergeSchema = { member: () => ({ rule: NO_RULE, schema: PLAIN }) };

/** Whether objects of this API version can be patched strategically: built-in kinds only, never custom resources. */
export function supportsStrategicMerge(apiVersion: string): boolean {
  return BUILT_IN_GROUPS.has(groupOf(apiVersion));
}

/** The merge schema of a kind; kinds without special members merge objects and replace lists. */
export function mergeSchemaOf(apiVersion: string, kind: string): MergeSchema {
  return schemaOf({ metadata: object("ObjectMeta"), ...KINDS[`${groupOf(apiVersion)}/${kind}`] });
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
