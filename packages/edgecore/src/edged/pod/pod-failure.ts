/** Why a pod is over although its containers are not, or ran their course. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  /** Left out: the pod's own grace period. */
  readonly graceSeconds?: number;
  /** What its Event says where it is not the message; without, only disruptions have one. */
  readonly notice?: string;
  /** The node ended it for its own sake: Jobs and budgets count that apart. */
  readonly isDisruption?: boolean;
}
