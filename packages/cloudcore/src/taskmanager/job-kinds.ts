import {
  type ConfigUpdateJob,
  configUpdateJobs,
  type ImagePrePullJob,
  imagePrePullJobs,
  type NodeJob,
  type NodeJobScope,
  type NodeUpgradeJob,
  nodeUpgradeJobs,
  type ResourceReference,
} from "@skerry/api";
import type { NodeJobType } from "@skerry/link";

/** What differs between the kinds of jobs, as far as the cloud is concerned. */
export interface JobKind {
  readonly type: NodeJobType;
  readonly resource: ResourceReference;
  readonly scopeOf: (job: NodeJob) => NodeJobScope;
}

/** By the kind's name on the wire. */
export const JOB_KINDS: Readonly<Record<NodeJobType, JobKind>> = {
  imageprepulljob: {
    type: "imageprepulljob",
    resource: imagePrePullJobs,
    scopeOf: (job) => (job as ImagePrePullJob).spec?.imagePrePullTemplate ?? {},
  },
  configupdatejob: {
    type: "configupdatejob",
    resource: configUpdateJobs,
    scopeOf: (job) => (job as ConfigUpdateJob).spec ?? {},
  },
  nodeupgradejob: {
    type: "nodeupgradejob",
    resource: nodeUpgradeJobs,
    scopeOf: (job) => (job as NodeUpgradeJob).spec ?? {},
  },
};
