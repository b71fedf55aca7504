import type { Message } from "../message.ts";
import { routeOf } from "../routes.ts";
import type { DeliveryAction, DeliveryCounters, DeliveryInput, DeliveryProtocol } from "./delivery-protocol.ts";
import { Liveness, type LivenessOptions } from "./liveness.ts";
import { ObjectDelivery, type ObjectDeliveryOptions } from "./object-delivery.ts";

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

/** Close code for a peer that is taken for dead, or a session that is over (RFC 6455 section 7.4.1). */
const GOING_AWAY = 1001;

/** KubeEdge's delivery, the cloud's half: what its edges understand, without what goes wrong in it (wire.md 7, 8, 18). */
export class KubeEdgeDelivery implements DeliveryProtocol {
  readonly #objects: ObjectDelivery;
  readonly #liveness: Liveness;
  #closed = false;

  constructor(nowMs: number, options: KubeEdgeDeliveryOptions = DEFAULT_KUBEEDGE_DELIVERY) {
    this.#objects = new ObjectDelivery(options);
    this.#liveness = new Liveness(options, nowMs);
  }

  get counters(): DeliveryCounters {
    return this.#objects.counters;
  }

  get nextTickAtMs(): number | undefined {
    if (this.#closed) return undefined;
    const dues = [this.#liveness.nextCheckAtMs, this.#objects.nextDueMs].filter((due) => due !== undefined);
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  handle(input: DeliveryInput, nowMs: number): readonly DeliveryAction[] {
    if (this.#closed) return [];
    const actions: DeliveryAction[] = [];
    switch (input.kind) {
      case "offer":
        this.#offer(input.message, nowMs, actions);
        break;
      case "frame":
        this.#liveness.message(nowMs);
        this.#objects.receive(input.message, nowMs, actions);
        break;
      case "alive":
        this.#liveness.alive(nowMs);
        break;
      case "writable":
        this.#objects.setWritable(input.writable);
        break;
      case "reading":
        this.#liveness.suspend(!input.reading, nowMs);
        break;
      case "tick":
        this.#checkLiveness(nowMs, actions);
        break;
    }
    if (!this.#closed) this.#objects.sendReady(nowMs, actions);
    return actions;
  }

  #offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    // KubeEdge never writes this message: it ends the session instead (wire.md 5.5, D7).
    if (routeOf("down", message)?.id === "D7") this.#close("its Node object was deleted", actions);
    else this.#objects.offer(message, nowMs, actions);
  }

  #checkLiveness(nowMs: number, actions: DeliveryAction[]): void {
    const verdict = this.#liveness.check(nowMs);
    if (verdict.kind === "ping") actions.push({ kind: "ping" });
    if (verdict.kind === "dead") this.#close(verdict.reason, actions);
  }

  #close(reason: string, actions: DeliveryAction[]): void {
    this.#closed = true;
    actions.push({ kind: "close", code: GOING_AWAY, reason });
  }
}
