import type { Message } from "../message.ts";
import type { SetReport } from "./skerry/set-messages.ts";

/** What happens to a session, as its delivery protocol is told. */
export type DeliveryInput =
  /** A controller hands over a message for the node. */
  | { readonly kind: "offer"; readonly message: Message }
  /** The node has sent a message. */
  | { readonly kind: "frame"; readonly message: Message }
  /** A ping or pong of the transport came. */
  | { readonly kind: "alive" }
  /** Whether the connection takes more just now; at first it does. */
  | { readonly kind: "writable"; readonly writable: boolean }
  /** Whether the session reads just now; while it does not, silence proves nothing. At first it does. */
  | { readonly kind: "reading"; readonly reading: boolean }
  /** Time has passed; see {@link DeliveryProtocol.nextTickAtMs}. */
  | { readonly kind: "tick" };

/** What the session is to do, in this order. */
export type DeliveryAction =
  | { readonly kind: "send"; readonly message: Message }
  | { readonly kind: "ping" }
  /** The node has committed the object message. */
  | { readonly kind: "delivered"; readonly message: Message }
  /** The node could not store the object; it is sent again later. */
  | { readonly kind: "not-stored"; readonly message: Message; readonly reason: string }
  /** A message for the cloud's components. */
  | { readonly kind: "dispatch"; readonly message: Message }
  /** What the node says of the objects that it holds; only Skerry's delivery has it. */
  | { readonly kind: "set-report"; readonly report: SetReport }
  /** The offered message is not kept: a limit, or it cannot be delivered in order. */
  | { readonly kind: "refused"; readonly message: Message; readonly reason: string }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

/** How often what happened, since the session began. */
export interface DeliveryCounters {
  readonly sent: number;
  readonly resent: number;
  readonly delivered: number;
  readonly notStored: number;
  /** Replaced by a newer version before they were delivered, or older than what was delivered. */
  readonly superseded: number;
  /** Lost to a limit. */
  readonly dropped: number;
  /** Acknowledgements of nothing that is waited for. */
  readonly unknownAcknowledgements: number;
}

/**
 * How one session delivers; a pure state machine. The session owns the connection and the clock, tells the protocol what
 * happens, and does what it is told. Controllers do not know which protocol a session runs.
 */
export interface DeliveryProtocol {
  /** Takes in one event at `nowMs` (monotonic). */
  handle(input: DeliveryInput, nowMs: number): readonly DeliveryAction[];
  /** When a `tick` is due at the latest (monotonic); undefined when none is. Read it after every `handle`. */
  readonly nextTickAtMs: number | undefined;
  readonly counters: DeliveryCounters;
}
