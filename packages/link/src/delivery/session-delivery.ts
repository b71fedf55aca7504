import type { Message } from "../message.ts";
import { routeOf } from "../routes.ts";
import type { DeliveryAction, DeliveryCounters, DeliveryInput, DeliveryProtocol } from "./delivery-protocol.ts";
import type { LivenessVerdict } from "./liveness.ts";
import { ObjectDelivery, type ObjectDeliveryOptions } from "./object-delivery.ts";
import { PatientLiveness } from "./patient-liveness.ts";

/** Watches over one peer; pure. */
export interface PeerLiveness {
  /** A message went out. */
  sent(nowMs: number): void;
  /** A message came. */
  received(nowMs: number): void;
  /** Any sign of life came. */
  alive(nowMs: number): void;
  /** While this side does not read, the peer's silence proves nothing; afterwards its time starts anew. */
  suspend(suspended: boolean, nowMs: number): void;
  /** When {@link check} is due next; undefined: not before something else happens. */
  readonly nextCheckAtMs: number | undefined;
  check(nowMs: number): LivenessVerdict;
}

/** WebSocket close codes (RFC 6455 section 7.4.1): a peer taken for dead or a session that is over; bad messages. */
const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;

/** What both deliveries have in common: objects and answers go down, liveness is watched, the end is final. */
export abstract class SessionDelivery implements DeliveryProtocol {
  readonly #objects: ObjectDelivery;
  readonly #liveness: PeerLiveness;
  #closed = false;

  constructor(options: ObjectDeliveryOptions, liveness: PeerLiveness) {
    this.#objects = new ObjectDelivery(options);
    this.#liveness = new PatientLiveness(liveness);
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
        // KubeEdge never writes this message: it ends the session instead (wire.md 5.5, D7).
        if (routeOf("down", input.message)?.id === "D7")
          this.#close(GOING_AWAY, "its Node object was deleted", actions);
        else this.offer(input.message, nowMs, actions);
        break;
      case "frame":
        this.#liveness.received(nowMs);
        this.receive(input.message, nowMs, actions);
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
    if (actions.some(({ kind }) => kind === "send")) this.#liveness.sent(nowMs);
    return actions;
  }

  /** Takes a message for the node. */
  protected offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    this.#objects.offer(message, nowMs, actions);
  }

  /** Takes a message of the node. */
  protected receive(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    this.#objects.receive(message, nowMs, actions);
  }

  /** The versions that the node held count no more. */
  protected forgetVersions(): void {
    this.#objects.forgetVersions();
  }

  /** The node has sent what cannot be: the session ends. */
  protected fail(reason: string, actions: DeliveryAction[]): void {
    this.#close(PROTOCOL_ERROR, reason, actions);
  }

  #checkLiveness(nowMs: number, actions: DeliveryAction[]): void {
    const verdict = this.#liveness.check(nowMs);
    if (verdict.kind === "ping") actions.push({ kind: "ping" });
    if (verdict.kind === "dead") this.#close(GOING_AWAY, verdict.reason, actions);
  }

  #close(code: number, reason: string, actions: DeliveryAction[]): void {
    this.#closed = true;
    actions.push({ kind: "close", code, reason });
  }
}
