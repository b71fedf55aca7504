import type { QualityOfService } from "../container/resources.ts";

/** Limits of a control group; 0 is none. */
export interface GroupLimits {
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly cpuShares: number;
  readonly memoryBytes: number;
}

/** A pod's own control group, above those of its containers. */
export interface PodGroup {
  readonly uid: string;
  readonly qualityOfService: QualityOfService;
  readonly limits: GroupLimits;
}

/** Control groups of pods, for runtimes that take them by their folder. */
export interface PodGroups {
  /** Makes the pod's group or gives it these limits; what the runtime is to call it, undefined where none can be made. */
  provide(group: PodGroup): Promise<string | undefined>;
  /** Removes the group of a pod of which nothing runs any more. Never rejects. */
  remove(uid: string): Promise<void>;
}
