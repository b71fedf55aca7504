import { BoundedQueue } from "@skerry/base";
import type { Message } from "../message.ts";
import { acknowledgementFor, routeOf } from "../routes.ts";
import { AcknowledgedLane, type AcknowledgedLaneOptions } from "./acknowledged-lane.ts";
import type { DeliveryAction, DeliveryCounters, DeliveryInput, DeliveryProtocol } from "./delivery-protocol.ts";
import { Liveness, type LivenessOptions } from "./liveness.ts";

export interface KubeEdgeDeliveryOptions extends AcknowledgedLaneOptions, LivenessOptions {
  /** Messages without acknowledgement that wait while the connection takes nothing; beyond it the oldest is dropped. */
  readonly maxUnacknowledged: number;
  /** Answers whose acknowledgement is looked out for. */
  readonly maxObserved: number;
}

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
  readonly #lane: AcknowledgedLane;
  readonly #liveness: Liveness;
  readonly #unacknowledged: BoundedQueue<Message>;
  readonly #maxObserved: number;
  /** Answers that the node acknowledges if it still waits for them. */
  readonly #observed = new Map<string, Message>();
  #writable = true;
  #closed = false;
  #sent = 0;
  #delivered = 0;
  #notStored = 0;
  #refused = 0;
  #unknownAcknowledgements = 0;

  constructor(nowMs: number, options: KubeEdgeDeliveryOptions = DEFAULT_KUBEEDGE_DELIVERY) {
    this.#lane = new AcknowledgedLane(options);
    this.#liveness = new Liveness(options, nowMs);
    this.#unacknowledged = new BoundedQueue(options.maxUnacknowledged, "drop-oldest");
    this.#maxObserved = options.maxObserved;
  }

  get counters(): DeliveryCounters {
    return {
      sent: this.#sent,
      resent: this.#lane.resentCount,
      delivered: this.#delivered,
      notStored: this.#notStored,
      superseded: this.#lane.supersededCount,
      dropped: this.#unacknowledged.droppedCount + this.#refused,
      unknownAcknowledgements: this.#unknownAcknowledgements,
    };
  }

  get nextTickAtMs(): number | undefined {
    if (this.#closed) return undefined;
    const dues = [this.#liveness.nextCheckAtMs, this.#writable ? this.#lane.nextDueMs : undefined];
    const known = dues.filter((due) => due !== undefined);
    return known.length > 0 ? Math.min(...known) : undefined;
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
        this.#receive(input.message, nowMs, actions);
        break;
      case "alive":
        this.#liveness.alive(nowMs);
        break;
      case "writable":
        this.#writable = input.writable;
        break;
      case "reading":
        this.#liveness.suspend(!input.reading, nowMs);
        break;
      case "tick":
        this.#checkLiveness(nowMs, actions);
        break;
    }
    this.#sendReady(nowMs, actions);
    return actions;
  }

  #offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    // KubeEdge never writes this message: it ends the session instead (wire.md 5.5, D7).
    if (routeOf("down", message)?.id === "D7") {
      this.#close("its Node object was deleted", actions);
      return;
    }
    const acknowledgement = acknowledgementFor(message);
    if (acknowledgement !== "required") {
      if (acknowledgement === "observed") this.#observe(message);
      this.#unacknowledged.push(message);
      return;
    }
    const outcome = this.#lane.offer(message, nowMs);
    if (outcome === "accepted" || outcome === "superseded") return;
    if (outcome === "settled") {
      // The answer to a query has brought it there before anybody kept account of it.
      actions.push({ kind: "delivered", message });
      return;
    }
    this.#refused++;
    const reason =
      outcome === "full" ? "too many objects wait for this node" : "it has no resourceVersion to order it by";
    actions.push({ kind: "refused", message, reason });
  }

  #observe(message: Message): void {
    this.#observed.set(message.header.msg_id, message);
    for (const oldest of this.#observed.keys()) {
      if (this.#observed.size <= this.#maxObserved) break;
      this.#observed.delete(oldest);
    }
  }

  #receive(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    const { operation } = message.route;
    const parentId = message.header.parent_msg_id;
    if (operation === "keepalive" || operation === undefined) return;
    if (operation === "response") {
      this.#acknowledge(parentId ?? "", nowMs, actions);
      return;
    }
    if (operation === "error") {
      const rejected = this.#lane.reject(parentId ?? "", nowMs);
      if (!rejected) return;
      this.#notStored++;
      const reason = typeof message.content === "string" ? message.content.slice(0, 500) : "no reason given";
      actions.push({ kind: "not-stored", message: rejected, reason });
      return;
    }
    actions.push({ kind: "dispatch", message });
  }

  #acknowledge(messageId: string, nowMs: number, actions: DeliveryAction[]): void {
    const observed = this.#observed.get(messageId);
    if (observed) {
      this.#observed.delete(messageId);
      this.#lane.settle(observed, nowMs);
    }
    const message = observed ?? this.#lane.acknowledge(messageId, nowMs);
    if (!message) {
      this.#unknownAcknowledgements++;
      return;
    }
    this.#delivered++;
    actions.push({ kind: "delivered", message });
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

  #sendReady(nowMs: number, actions: DeliveryAction[]): void {
    if (this.#closed || !this.#writable) return;
    for (let message = this.#unacknowledged.shift(); message; message = this.#unacknowledged.shift())
      this.#send(message, actions);
    this.#lane.expire(nowMs);
    for (const message of this.#lane.takeReady(nowMs)) this.#send(message, actions);
  }

  #send(message: Message, actions: DeliveryAction[]): void {
    this.#sent++;
    actions.push({ kind: "send", message });
  }
}
