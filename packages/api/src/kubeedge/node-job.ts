import type { KubernetesObject, LabelSelector } from "../kubernetes/meta.ts";

/** Which nodes a job is for, and how it goes through them; either `nodeNames` or `labelSelector` (cloud.md 8.1). */
export interface NodeJobScope {
  nodeNames?: string[];
  labelSelector?: LabelSelector;
  /** Nodes that work on it at the same time. @default 1 */
  concurrency?: number;
  /** How long a node may go without a sign of progress; 0 and none: 300. */
  timeoutSeconds?: number;
  /** Share of the nodes that may fail without the job failing, a decimal number. @default "0.1" */
  failureTolerate?: string;
}

/** Phase of a whole job. */
export type NodeJobPhase = "Init" | "InProgress" | "Completed" | "Failure";

/** Phase of one node's part; `Unknown`: nothing was heard of it in time. */
export type NodeTaskPhase = "Pending" | "InProgress" | "Successful" | "Failure" | "Unknown";

/** One step that a node has done. */
export interface NodeActionStatus {
  action: string;
  status: "True" | "False";
  reason?: string;
  /** RFC 3339, by the node's clock. */
  time?: string;
}

/** What became of one image on a node. */
export interface ImageStatus {
  image: string;
  status: "True" | "False";
  reason?: string;
}

/** One node's part of a job. */
export interface NodeTaskStatus {
  nodeName: string;
  phase: NodeTaskPhase;
  reason?: string;
  actionFlow?: NodeActionStatus[];
  /** Of an ImagePrePullJob. */
  imageStatus?: ImageStatus[];
  /** Of a NodeUpgradeJob: the versions before and after. */
  historicVersion?: string;
  currentVersion?: string;
}

/** Status of a job, of all three kinds. */
export interface NodeJobStatus {
  phase: NodeJobPhase;
  reason?: string;
  nodeStatus?: NodeTaskStatus[];
}

/** operations.kubeedge.io/v1alpha2 ImagePrePullJob: images that nodes are to have before they are needed. */
export interface ImagePrePullJob extends KubernetesObject {
  spec: { imagePrePullTemplate?: ImagePrePullTemplate };
  status?: NodeJobStatus;
}

export interface ImagePrePullTemplate extends NodeJobScope {
  images?: string[];
  /** `cpu`, `mem`, `disk`: a node that uses more than 80 % of one refuses the job. */
  checkItems?: string[];
  /** `<namespace>/<name>` of one Secret with registry credentials. */
  imageSecrets?: string;
  retryTimes?: number;
}

/** operations.kubeedge.io/v1alpha2 ConfigUpdateJob: fields of edgecore.yaml that are to change. */
export interface ConfigUpdateJob extends KubernetesObject {
  spec: NodeJobScope & {
    /** By path, e.g. `modules.edgeStream.enable`; all values are texts. */
    updateFields?: Record<string, string>;
  };
  status?: NodeJobStatus;
}

/** operations.kubeedge.io/v1alpha2 NodeUpgradeJob: another version of EdgeCore. */
export interface NodeUpgradeJob extends KubernetesObject {
  spec: NodeJobScope & {
    version?: string;
    image?: string;
    checkItems?: string[];
    requireConfirmation?: boolean;
  };
  status?: NodeJobStatus;
}

/** Any of the three. */
export type NodeJob = ImagePrePullJob | ConfigUpdateJob | NodeUpgradeJob;
