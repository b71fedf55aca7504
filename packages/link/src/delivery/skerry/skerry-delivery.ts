import type { Message } from "../../message.ts";
import { acknowledgementOf, type MessageStamp } from "../../message-builders.ts";
import { objectOf } from "../../object-response.ts";
import type { DeliveryAction } from "../delivery-protocol.ts";
import type { ObjectDeliveryOptions } from "../object-delivery.ts";
import { separateKeyOf } from "../object-message.ts";
import { SessionDelivery } from "../session-delivery.ts";
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
  keyOf: separateKeyOf,
};

/**
 * Skerry's delivery, the cloud's half of a session. Objects go down as in KubeEdge's, in a wider window; what the node
 * holds it says itself (set reports), so that nobody keeps account of it in the API; what comes twice from its outbox is
 * recognised; pings are rare on an idle link.
 */
export class SkerryDelivery extends SessionDelivery {
  readonly #receipts: OutboxReceipts;
  readonly #stamp: MessageStamp;

  /** `receipts` are the node's, over all its sessions. */
  constructor(
    nowMs: number,
    stamp: MessageStamp,
    receipts: OutboxReceipts,
    options: SkerryDeliveryOptions = DEFAULT_SKERRY_DELIVERY,
  ) {
    super(options, new AdaptiveLiveness(options, nowMs));
    this.#receipts = receipts;
    this.#stamp = stamp;
    receipts.sessionBegins();
  }

  protected override offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    const parentId = message.header.parent_msg_id ?? "";
    if (isOutboxMessageId(parentId)) this.#receipts.answer(parentId, isSuccess(message));
    if (setRequestOf(message)?.kind === "incarnation") this.forgetVersions();
    super.offer(message, nowMs, actions);
  }

  protected override receive(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    if (isSetMessage(message)) {
      const report = setReportOf(message);
      if (report) actions.push({ kind: "set-report", report });
      else this.fail("a report on the objects that the node holds is not well formed", actions);
      return;
    }
    const id = message.header.msg_id;
    const verdict = isOutboxMessageId(id) ? this.#receipts.receive(id, nowMs) : "new";
    if (verdict === "new") super.receive(message, nowMs, actions);
    if (verdict === "done") super.offer(acknowledgementOf(this.#stamp, message), nowMs, actions);
  }
}

/** Anything else is a failure, and the node tries again. */
function isSuccess({ content, route }: Message): boolean {
  return route.operation === "response" && (content === "OK" || objectOf(content) !== undefined);
}
