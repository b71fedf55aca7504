import { BoundedQueue, type Clock, describeError, type Logger, type Timer } from "@skerry/base";
import {
  type DeliveryAction,
  type DeliveryCounters,
  type DeliveryInput,
  type DeliveryName,
  type DeliveryProtocol,
  decodeMessage,
  deliveryOf,
  encodeMessage,
  frameBytes,
  type LinkConnection,
  type Message,
  opensTunnelOnDemand,
  type SetReport,
  type TrafficMeter,
} from "@skerry/link";
import { HANDLING_RATE, HandlingPace } from "./handling-pace.ts";
import { OutputWatch } from "./output-watch.ts";
import { NODE_RATE, ReadingGate } from "./reading-gate.ts";

/** What a session is made of, and whom it tells. */
export interface NodeSessionOptions {
  readonly nodeName: string;
  readonly connection: LinkConnection;
  readonly protocol: DeliveryProtocol;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts what crosses the link; the node's, over all its sessions. */
  readonly traffic: TrafficMeter;
  /** Handles one message of the node; the next one waits until it is done. */
  readonly dispatch: (message: Message) => Promise<void>;
  /** Whether the node is not read from because its messages wait to be handled. */
  readonly onBacklog: (isLong: boolean) => void;
  readonly onDelivered: (message: Message) => void;
  readonly onSetReport: (report: SetReport) => void;
  /** Called once, whatever ended the session. */
  readonly onEnd: (reason: string) => void;
}

/** What waits in a session. */
export interface SessionBacklog {
  /** Messages of the node whose turn has not come. */
  readonly messagesToHandle: number;
  /** Sent, but the network has not taken it yet. */
  readonly bytesToSend: number;
  /** How often the node was made to wait because it sent too fast. */
  readonly throttledCount: number;
}

/** Messages of one node that wait for their turn: reading stops at the first number and goes on at the second. */
const PAUSE_AT = 64;
const RESUME_AT = 16;
/** The same for their length in characters: a few large ones fill the memory as well. */
const PAUSE_AT_LENGTH = 2 * 1024 * 1024;
const RESUME_AT_LENGTH = 512 * 1024;
/** A transport may hand over what it had read before it was paused, but not without end. */
const MAX_WAITING = 8_192;

const PROTOCOL_ERROR = 1002;
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/**
 * One connected node: runs the delivery protocol on a connection and a clock, and hands the node's messages on, one
 * after the other. A slow handler stops the reading of this node's connection, nothing else (W7, W15).
 */
export class NodeSession {
  readonly nodeName: string;
  readonly openedAtMs: number;
  readonly #options: NodeSessionOptions;
  readonly #waiting = new BoundedQueue<{ readonly message: Message; readonly length: number }>(
    MAX_WAITING,
    "reject-newest",
  );
  #waitingLength = 0;
  /** Of the frame that is being taken in. */
  #frameLength = 0;
  #timer: Timer | undefined;
  /** End of the certificate, wall clock. */
  #expiresAtMs: number | undefined;
  readonly #gate: ReadingGate;
  readonly #pace: HandlingPace;
  readonly #output: OutputWatch;
  #dispatching = false;
  #ended = false;
  /** Whether the protocol refused the message that was last offered. */
  #refused = false;

  constructor(options: NodeSessionOptions) {
    this.nodeName = options.nodeName;
    this.openedAtMs = options.clock.monotonicMs();
    this.#options = options;
    this.#expiresAtMs = options.connection.peer.certificateExpiresAtMs;
    const { connection, clock } = options;
    this.#gate = new ReadingGate({
      connection,
      clock,
      rate: NODE_RATE,
      onChange: (reading) => this.#tell({ kind: "reading", reading }),
    });
    this.#pace = new HandlingPace(clock, HANDLING_RATE);
    this.#output = new OutputWatch({
      connection,
      clock,
      onWritable: (writable) => this.#tell({ kind: "writable", writable }),
      onStuck: () => this.close(TRY_AGAIN_LATER, "the node does not read what it is sent"),
    });
  }

  get counters(): DeliveryCounters {
    return this.#options.protocol.counters;
  }

  get delivery(): DeliveryName {
    return deliveryOf(this.#options.connection.headers);
  }

  /** Whether the node opens its stream tunnel when it is asked to. */
  get opensTunnelOnDemand(): boolean {
    return this.delivery === "skerry" && opensTunnelOnDemand(this.#options.connection.headers);
  }

  /** What waits in this session, in either direction. */
  get backlog(): SessionBacklog {
    return {
      messagesToHandle: this.#waiting.length,
      bytesToSend: this.#options.connection.bufferedBytes,
      throttledCount: this.#gate.throttledCount + this.#pace.pausedCount,
    };
  }

  /** SHA-256 of the certificate that the node came with. */
  get certificateFingerprint(): string {
    return this.#options.connection.peer.certificateFingerprint;
  }

  start(): void {
    this.#options.connection.start({
      onFrame: (text) => this.#onFrame(text),
      onAlive: (sign) => this.#onAlive(sign),
      onClose: ({ code, reason }) => this.#end(reason || `the connection broke (code ${code})`),
    });
    this.#schedule();
  }

  /** Hands a message for the node to the protocol; returns whether the session took it. */
  offer(message: Message): boolean {
    if (this.#ended || this.#hasExpired()) return false;
    this.#refused = false;
    this.#tell({ kind: "offer", message });
    return !this.#ended && !this.#refused;
  }

  /** The certificate was renewed: the session may last until the new one's end (wall clock, ms). */
  extendUntil(notAfterMs: number): void {
    this.#expiresAtMs = notAfterMs;
  }

  /** Ends the session from this side. */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#options.connection.close(code, reason);
    this.#end(reason);
  }

  /** Ends the session when its certificate is over, which counts for a node that only pings or listens too. */
  #hasExpired(): boolean {
    if (this.#expiresAtMs === undefined || this.#options.clock.now() <= this.#expiresAtMs) return false;
    this.close(POLICY_VIOLATION, "the certificate that the connection was opened with has expired");
    return true;
  }

  #onAlive(sign: "ping" | "pong" | undefined): void {
    if (this.#ended || this.#hasExpired()) return;
    this.#gate.count();
    const { traffic, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    traffic.countPing("up", frameBytes("up", 0), nowMs);
    if (sign === "ping") traffic.countPing("down", frameBytes("down", 0), nowMs);
    this.#tell({ kind: "alive" });
  }

  #onFrame(text: string): void {
    if (this.#ended || this.#hasExpired()) return;
    let message: Message;
    try {
      message = decodeMessage(text);
    } catch (error) {
      this.#options.logger.warn("A node sent what is no message; its connection is closed", {
        node: this.nodeName,
        error: describeError(error),
      });
      this.close(PROTOCOL_ERROR, describeError(error));
      return;
    }
    this.#frameLength = text.length;
    this.#gate.count();
    const { connection, traffic, clock } = this.#options;
    traffic.count("up", message, connection.wire?.receivedBytes ?? Buffer.byteLength(text), clock.monotonicMs());
    this.#tell({ kind: "frame", message });
  }

  #tell(input: DeliveryInput): void {
    if (this.#ended) return;
    const { protocol, clock } = this.#options;
    for (const action of protocol.handle(input, clock.monotonicMs())) {
      // An action before may have ended the session.
      if (this.#ended) return;
      this.#perform(action);
    }
    this.#schedule();
  }

  #perform(action: DeliveryAction): void {
    const { connection, logger, traffic, clock } = this.#options;
    switch (action.kind) {
      case "send":
        this.#send(action.message);
        break;
      case "ping":
        connection.ping();
        traffic.countPing("down", frameBytes("down", 0), clock.monotonicMs());
        break;
      case "delivered":
        this.#options.onDelivered(action.message);
        break;
      case "not-stored":
        logger.warn("A node could not store an object; it is sent again", {
          node: this.nodeName,
          resource: action.message.route.resource,
          reason: action.reason,
        });
        break;
      case "refused":
        this.#refused = true;
        logger.warn("A message for a node is not sent", {
          node: this.nodeName,
          resource: action.message.route.resource,
          reason: action.reason,
        });
        break;
      case "set-report":
        this.#options.onSetReport(action.report);
        break;
      case "dispatch":
        this.#enqueue(action.message);
        break;
      case "close":
        this.close(action.code, action.reason);
        break;
    }
  }

  #send(message: Message): void {
    const { connection, traffic, clock } = this.#options;
    const frame = encodeMessage(message);
    connection.send(frame);
    traffic.count("down", message, connection.wire?.sentBytes ?? Buffer.byteLength(frame), clock.monotonicMs());
    this.#output.sent();
  }

  #enqueue(message: Message): void {
    const length = this.#frameLength;
    if (!this.#waiting.push({ message, length })) {
      this.close(TRY_AGAIN_LATER, "the node sends faster than its messages can be handled");
      return;
    }
    this.#waitingLength += length;
    const isMuch = this.#waiting.length >= PAUSE_AT || this.#waitingLength >= PAUSE_AT_LENGTH;
    if (isMuch && !this.#gate.hasBacklog) this.#setBacklog(true);
    if (!this.#dispatching) void this.#dispatchAll();
  }

  async #dispatchAll(): Promise<void> {
    this.#dispatching = true;
    for (let next = this.#waiting.shift(); next && !this.#ended; next = this.#waiting.shift()) {
      const { message, length } = next;
      const pause = this.#pace.next();
      if (pause !== undefined) await pause;
      if (this.#ended) break;
      try {
        await this.#options.dispatch(message);
      } catch (error) {
        this.#options.logger.error("Handling a node's message failed", {
          node: this.nodeName,
          resource: message.route.resource,
          operation: message.route.operation,
          error: describeError(error),
        });
      }
      this.#waitingLength -= length;
      const isLittle = this.#waiting.length <= RESUME_AT && this.#waitingLength <= RESUME_AT_LENGTH;
      if (this.#gate.hasBacklog && isLittle && !this.#ended) this.#setBacklog(false);
    }
    this.#dispatching = false;
  }

  #setBacklog(isLong: boolean): void {
    this.#options.onBacklog(isLong);
    this.#gate.setBacklog(isLong);
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { protocol, clock } = this.#options;
    const dueMs = protocol.nextTickAtMs;
    if (this.#ended || dueMs === undefined) return;
    this.#timer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), () => this.#tell({ kind: "tick" }));
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#gate[Symbol.dispose]();
    this.#pace[Symbol.dispose]();
    this.#output[Symbol.dispose]();
    this.#waiting.clear();
    this.#options.onEnd(reason);
  }
}
