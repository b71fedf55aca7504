import type { DeliveryName, Message, SetReport } from "@skerry/link";
import type { WriteVerdict } from "./session-lease.ts";

/** A node's session has opened or ended. */
export type SessionEvent =
  | { readonly kind: "opened"; readonly nodeName: string }
  | { readonly kind: "closed"; readonly nodeName: string; readonly reason: string };

/** Answers one upstream message: `operation: response` with the message's id as parent. */
export type Reply = (content: Message["content"], options?: { readonly resourceVersion?: string }) => void;

/** A controller's part of the upstream traffic. `nodeName` comes from the node's certificate. */
export interface UpstreamHandler {
  /**
   * Handles a message whose resource is in wire form (`<namespace>/<type>[/<name>]`). Must not throw for anything a
   * node can send; a slow handler delays only this node (messages of one node arrive in order).
   */
  handle(nodeName: string, message: Message, reply: Reply): Promise<void>;
}

/**
 * Who takes which part of the upstream traffic (wire.md 6, row 8). The composition hands it to `CloudHub.start` together
 * with a {@link NodeObjects}; messages that the node is not authorised for never arrive here.
 */
export interface UpstreamHandlers {
  /** Source `twin`. */
  readonly deviceController: UpstreamHandler;
  /** Every other source but `metaserver`. */
  readonly edgeController: UpstreamHandler;
  /** Group `user`; where the router is switched off such messages are dropped, counted. */
  readonly router?: UpstreamHandler;
  /** Source `metaserver`; where it is switched off requests are refused. */
  readonly dynamicController?: UpstreamHandler;
  /** Reports on jobs; without it they are dropped, counted. */
  readonly taskManager?: UpstreamHandler;
  /** Source `telemetry`; without it nodes keep their samples. */
  readonly telemetry?: UpstreamHandler;
}

/** What the controllers need of CloudHub; they do not know which delivery protocol a session runs. */
export interface CloudHubPort {
  /** Names of the nodes with a live session here. */
  readonly connectedNodes: ReadonlySet<string>;
  /** How the session of a connected node delivers; undefined without one. */
  deliveryOf(nodeName: string): DeliveryName | undefined;
  onSession(listener: (event: SessionEvent) => void): Disposable;
  /**
   * Hands a message in wire form to the node's session. The route table (link/routes.ts) decides whether it needs an
   * acknowledgement. Without a session it is not kept: object messages are made up for by the SyncController when the
   * node returns, the others are meant for a connected node only. Returns whether a session took it.
   */
  deliver(nodeName: string, message: Message): boolean;
  /** An object message was acknowledged by the node (committed there). */
  onDelivered(listener: (delivery: { readonly nodeName: string; readonly message: Message }) => void): Disposable;
  /** A node has said what it holds; only sessions of Skerry's delivery have that. */
  onSetReport(listener: (event: { readonly nodeName: string; readonly report: SetReport }) => void): Disposable;
  /**
   * Whether what the node's session here has brought may be written still. To be asked right before a write that was
   * kept back for a while; what a handler writes at once has been asked for.
   */
  mayWrite(nodeName: string): Promise<WriteVerdict>;
  /** Ends the node's session; the node comes back and begins anew. */
  closeSession(nodeName: string, reason: string): void;
}
