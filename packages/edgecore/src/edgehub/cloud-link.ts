import type { ByteBudgetStatus, DeliveryName, Message } from "@skerry/link";

/** Whether the cloud can be reached, and since when (wall clock, ms). */
export type CloudLinkState =
  | {
      readonly kind: "connected";
      readonly sinceMs: number;
      /** What both ends have agreed on; KubeEdge's when left out. */
      readonly delivery?: DeliveryName;
      /** `host:port` where the cloud takes the stream tunnel that it asks for; left out: it does not ask. */
      readonly tunnelServer?: string;
      /** SHA-256 (hex) of the only authority that the cloud has; left out: it does not say. */
      readonly authorityHash?: string;
    }
  | { readonly kind: "disconnected"; readonly sinceMs: number; readonly reason: string };

/** Takes messages from the cloud that no request is waiting for. */
export interface DownstreamHandler {
  /** Resolves once the message is handled as far as its acknowledgement promises (MetaManager: committed). */
  handle(message: Message): Promise<void>;
}

/** What the edge's modules need of EdgeHub. */
export interface CloudLink {
  readonly state: CloudLinkState;
  /** How the link's byte budget stands; left out or undefined: it has none. */
  readonly byteBudget?: ByteBudgetStatus | undefined;
  onState(listener: (state: CloudLinkState) => void): Disposable;
  /**
   * Sends now, in order, best effort.
   * @throws SkerryError `LINK_DISCONNECTED` when there is no session, `LINK_BUDGET_SPENT`.
   */
  send(message: Message): void;
  /**
   * Sends and waits for the message whose parent is this one.
   * @throws SkerryError `LINK_DISCONNECTED` at once when offline or when the session ends first, `LINK_TIMEOUT`,
   * `LINK_BUDGET_SPENT`.
   */
  request(message: Message, timeoutMs: number, signal?: AbortSignal): Promise<Message>;
}
