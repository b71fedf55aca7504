import { isJsonObject, type JsonObject } from "@skerry/base";
import type { Message } from "../message.ts";
import { acknowledgementFor } from "../routes.ts";
import { AcknowledgedLane, type AcknowledgedLaneOptions } from "./acknowledged-lane.ts";
import type { DeliveryAction, DeliveryCounters } from "./delivery-protocol.ts";
import { WaitingMessages } from "./waiting-messages.ts";

export interface ObjectDeliveryOptions extends AcknowledgedLaneOptions {
  /** Messages without acknowledgement that wait while the connection takes nothing; beyond it the oldest is dropped. */
  readonly maxUnacknowledged: number;
  /** The same for their length in characters; one alone may be longer. @default 4 Mi */
  readonly maxUnacknowledgedLength?: number;
  /** Answers whose acknowledgement is looked out for. */
  readonly maxObserved: number;
}

/** What every delivery protocol does with the messages themselves; liveness and the rest are the protocol's. */
export class ObjectDelivery {
  readonly #lane: AcknowledgedLane;
  readonly #unacknowledged: WaitingMessages;
  readonly #maxObserved: number;
  /** Answers that the node acknowledges if it still waits for them; what they are about, without the rest. */
  readonly #observed = new Map<string, Message>();
  #writable = true;
  #sent = 0;
  #delivered = 0;
  #notStored = 0;
  #refused = 0;
  #unknownAcknowledgements = 0;

  constructor(options: ObjectDeliveryOptions) {
    this.#lane = new AcknowledgedLane(options);
    this.#unacknowledged = new WaitingMessages(options.maxUnacknowledged, options.maxUnacknowledgedLength);
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

  /** When {@link sendReady} has something to send again. */
  get nextDueMs(): number | undefined {
    return this.#writable ? this.#lane.nextDueMs : undefined;
  }

  setWritable(writable: boolean): void {
    this.#writable = writable;
  }

  offer(message: Message, nowMs: number, actions: DeliveryAction[]): void {
    const acknowledgement = acknowledgementFor(message);
    if (acknowledgement !== "required") {
      if (acknowledgement === "observed") this.#observe(message);
      this.#unacknowledged.push(message, this.#writable);
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

  /** The node counts no version any more, not even those of answers that it has not acknowledged yet. */
  forgetVersions(): void {
    this.#lane.forgetSettled();
    this.#observed.clear();
  }

  #observe(message: Message): void {
    this.#observed.set(message.header.msg_id, withIdentityOnly(message));
    for (const oldest of this.#observed.keys()) {
      if (this.#observed.size <= this.#maxObserved) break;
      this.#observed.delete(oldest);
    }
  }

  /** A message of the node: an acknowledgement, or one for the cloud's components. */
  receive(message: Message, nowMs: number, actions: DeliveryAction[]): void {
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

  /** Sends what may be sent now. */
  sendReady(nowMs: number, actions: DeliveryAction[]): void {
    if (!this.#writable) return;
    for (let message = this.#unacknowledged.shift(); message; message = this.#unacknowledged.shift())
      this.#send(message, actions);
    this.#lane.expire(nowMs);
    for (const message of this.#lane.takeReady(nowMs)) this.#send(message, actions);
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

  #send(message: Message, actions: DeliveryAction[]): void {
    this.#sent++;
    actions.push({ kind: "send", message });
  }
}

/** The message with an object that has its kind and identity only: a Secret can be large, and many may be observed. */
function withIdentityOnly(message: Message): Message {
  const { content } = message;
  if (!isJsonObject(content) || !isJsonObject(content["metadata"])) return message;
  const metadata = only(content["metadata"], ["name", "namespace", "uid", "resourceVersion"]);
  return { ...message, content: { ...only(content, ["apiVersion", "kind"]), metadata } };
}

function only(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])));
}
