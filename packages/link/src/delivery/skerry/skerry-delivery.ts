import type { Message } from "../../message.ts";
import { acknowledgementOf, type MessageStamp } from "../../message-builders.ts";
import { objectOf } from "../../object-response.ts";
import { routeOf } from "../../routes.ts";
import type { DeliveryAction, DeliveryCounters, DeliveryInput, DeliveryProtocol } from "../delivery-protocol.ts";
import { ObjectDelivery, type ObjectDeliveryOptions } from "../object-delivery.ts";
import { AdaptiveLiveness, type AdaptiveLivenessOptions, CLOUD_LIVENESS } from "./adaptive-liveness.ts";
import { isOutboxMessageId, type OutboxReceipts } from "./outbox-receipts.ts";
import { isSetMessage, setReportOf, setRequestOf } from "./set-messages.ts";

export interface SkerryDeliveryOptions extends ObjectDeliveryOptions, AdaptiveLivenessOptions {}

export const DEFAULT_SKERRY_DELIVERY: SkerryDeliveryOptions = {
  ...CLOUD_LIVENESS,
  // As many as an edge stores at the same time.
  window: 32,
  maxObjects: 20_000,
  maxSettled: 20_000,
  tombstoneMs: 5 * 60_000,
  // The connection loses nothing: who does not answer is slow, and repeating makes it no faster.
  resendAfterMs: 15_000,
  patientSends: 3,
  maxResendAfterMs: 60_000,
  maxUnacknowledged: 1_024,
  maxObserved: 256,
};

const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;

/**
 * Skerry's delivery, the cloud's half of a session. Objects go down as in KubeEdge's, in a wider window; what the node
 * holds it says itself (set reports), so that nobody keeps account of it in the API; what comes twice from its outbox is
 * recognised; pings are rare on an idle link.
 */
export class SkerryDelivery implements DeliveryProtocol {
  readonly #objects: ObjectDelivery;
  readonly #liveness: AdaptiveLiveness;
  readonly #receipts: OutboxReceipts;
  readonly #stamp: MessageStamp;
  #closed = false;

  /** `receipts` are the node's, over all its sessions. */
  constructor(
    nowMs: number,
    stamp: MessageStamp,
    receipts: OutboxReceipts,
    options: SkerryDeliveryOptions = DEFAULT_SKERRY_DELIVERY,
  ) {
    this.#objects = new ObjectDelivery(options);
    this.#liveness = new AdaptiveLiveness(options, nowMs);
    this.#receipts = receipts;
    this.#stamp = stamp;
    receipts.sessionBegins();
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
        this.#liveness.received(nowMs);
        this.#receive(input.message, nowMs, actions);
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

  #offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    if (routeOf("down", message)?.id === "D7") {
      this.#close(GOING_AWAY, "its Node object was deleted", actions);
      return;
    }
    const parentId = message.header.parent_msg_id ?? "";
    if (isOutboxMessageId(parentId)) this.#receipts.answer(parentId, isSuccess(message));
    if (setRequestOf(message)?.kind === "incarnation") this.#objects.forgetVersions();
    this.#objects.offer(message, nowMs, actions);
  }

  #receive(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    if (isSetMessage(message)) {
      const report = setReportOf(message);
      if (report) actions.push({ kind: "set-report", report });
      else this.#close(PROTOCOL_ERROR, "a report on the objects that the node holds is not well formed", actions);
      return;
    }
    const id = message.header.msg_id;
    const verdict = isOutboxMessageId(id) ? this.#receipts.receive(id, nowMs) : "new";
    if (verdict === "new") this.#objects.receive(message, nowMs, actions);
    if (verdict === "done") this.#objects.offer(acknowledgementOf(this.#stamp, message), nowMs, actions);
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

/** Anything else is a failure, and the node tries again. */
function isSuccess({ content, route }: Message): boolean {
  return route.operation === "response" && (content === "OK" || objectOf(content) !== undefined);
}
