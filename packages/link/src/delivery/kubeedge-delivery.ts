import { Liveness, type LivenessOptions } from "./liveness.ts";
import type { ObjectDeliveryOptions } from "./object-delivery.ts";
import { SessionDelivery } from "./session-delivery.ts";

export interface KubeEdgeDeliveryOptions extends ObjectDeliveryOptions, LivenessOptions {}

/** KubeEdge's times where its peers notice them (wire.md 16); the limits are Skerry's. */
export const DEFAULT_KUBEEDGE_DELIVERY: KubeEdgeDeliveryOptions = {
  window: 16,
  maxObjects: 20_000,
  maxSettled: 20_000,
  tombstoneMs: 5 * 60_000,
  resendAfterMs: 5_000,
  patientSends: 3,
  maxResendAfterMs: 60_000,
  maxUnacknowledged: 1_024,
  maxObserved: 256,
  messageTimeoutMs: 30_000,
  // Skerry's edges ping every 5 s: the cloud asks itself only when that fails to come.
  pingAfterMs: 6_000,
  pingTimeoutMs: 5_000,
};

/** KubeEdge's delivery, the cloud's half: what its edges understand, without what goes wrong in it (wire.md 7, 8, 18). */
export class KubeEdgeDelivery extends SessionDelivery {
  constructor(nowMs: number, options: KubeEdgeDeliveryOptions = DEFAULT_KUBEEDGE_DELIVERY) {
    super(options, new Liveness(options, nowMs));
  }
}
