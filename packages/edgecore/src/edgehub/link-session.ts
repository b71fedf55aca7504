import { type Clock, describeError, type Logger, type Random, type Timer } from "@skerry/base";
import {
  AdaptiveLiveness,
  AUTHORITY_HEADER,
  DEFAULT_MESSAGE_LIMITS,
  type DeliveryName,
  decodeMessage,
  deliveryOf,
  EDGE_LIVENESS,
  encodeMessage,
  frameBytes,
  ipBytes,
  keepaliveMessage,
  type LinkConnection,
  type Message,
  opensTunnelOnDemand,
  PatientLiveness,
  responseTo,
} from "@skerry/link";
import { linkCongested, linkDisconnected } from "./errors.ts";
import { PendingRequests } from "./pending-requests.ts";

/** How a session is kept alive and bounded. */
export interface SessionPolicy {
  /** Period of KubeEdge's keepalive message; the cloud gives up after 30 s without one (wire.md 5.3). */
  readonly keepaliveMs: number;
  /** A ping without any sign of life before the next one is due means that the link is dead. */
  readonly pingPeriodMs: number;
  readonly maxPendingRequests: number;
  /** Largest message that is read; the cloud's lists can be larger than what an edge sends. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for the network; beyond it `send` refuses. */
  readonly maxBufferedBytes: number;
}

export const defaultSessionPolicy: SessionPolicy = {
  keepaliveMs: 15_000,
  pingPeriodMs: 5000,
  maxPendingRequests: 1024,
  maxMessageBytes: 16 * 1024 * 1024,
  maxBufferedBytes: 16 * 1024 * 1024,
};

export interface SessionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a session calls back. */
export interface SessionEvents {
  /** A message that answers no pending request. */
  onMessage(message: Message): void;
  /** So many bytes of IP traffic have crossed, estimated. */
  onBytes?(bytes: number): void;
  /** Called once. Requests that wait fail right after it, so that their owners find the link down. */
  onEnd(reason: string): void;
}

/** A ping and its answer. */
const PING_BYTES = ipBytes(2, frameBytes("up", 0) + frameBytes("down", 0));

/** Operations that KubeEdge's transport keeps for itself (wire.md 3.4). */
const RESERVED_OPERATIONS: ReadonlySet<string> = new Set(["config", "ping", "pong"]);

/** One connection to the cloud, from its first keepalive to its end. Timers and requests belong to it and end with it. */
export class LinkSession {
  readonly #connection: LinkConnection;
  readonly #ports: SessionPorts;
  readonly #policy: SessionPolicy;
  readonly #events: SessionEvents;
  readonly #requests: PendingRequests;
  /** Instead of keepalives and pings at a fixed pace, with Skerry's delivery. */
  readonly #liveness: PatientLiveness | undefined;
  #keepaliveTimer: Timer | undefined;
  #pingTimer: Timer | undefined;
  /** When {@link #pingTimer} looks at the link. */
  #checkAtMs = Number.POSITIVE_INFINITY;
  #alive = true;
  #paused = false;
  #endReason: string | undefined;
  #undecodableCount = 0;

  constructor(connection: LinkConnection, ports: SessionPorts, policy: SessionPolicy, events: SessionEvents) {
    this.#connection = connection;
    this.#ports = ports;
    this.#policy = policy;
    this.#events = events;
    const nowMs = ports.clock.monotonicMs();
    this.#liveness =
      this.delivery === "skerry" ? new PatientLiveness(new AdaptiveLiveness(EDGE_LIVENESS, nowMs)) : undefined;
    this.#requests = new PendingRequests(ports.clock, policy.maxPendingRequests);
  }

  /** Frames of this session that were no messages. */
  get undecodableCount(): number {
    return this.#undecodableCount;
  }

  /** What this end and the cloud have agreed on. */
  get delivery(): DeliveryName {
    return deliveryOf(this.#connection.headers);
  }

  /** Whether the cloud asks for the stream tunnel and takes it where it took this session. */
  get takesTunnel(): boolean {
    return this.delivery === "skerry" && opensTunnelOnDemand(this.#connection.headers);
  }

  /** SHA-256 (hex) of the only authority that the cloud has; undefined: it does not say. */
  get authorityHash(): string | undefined {
    return this.#connection.headers[AUTHORITY_HEADER];
  }

  start(): void {
    if (!this.#liveness) this.#sendKeepalive();
    this.#connection.start({
      onFrame: (text) => this.#onFrame(text),
      onAlive: () => {
        this.#alive = true;
        this.#events.onBytes?.(PING_BYTES);
        this.#liveness?.alive(this.#ports.clock.monotonicMs());
      },
      onClose: ({ code, reason }) => this.#finish(reason ? `${reason} (close code ${code})` : `close code ${code}`),
    });
    if (this.#liveness) this.#watch(this.#liveness);
    else this.#sendPing();
  }

  /** @throws SkerryError `LINK_DISCONNECTED`, `LINK_CONGESTED` */
  send(message: Message): void {
    if (this.#endReason !== undefined) throw linkDisconnected(this.#endReason);
    const { bufferedBytes } = this.#connection;
    if (bufferedBytes > this.#policy.maxBufferedBytes) {
      throw linkCongested(bufferedBytes, this.#policy.maxBufferedBytes);
    }
    const nowMs = this.#ports.clock.monotonicMs();
    this.#liveness?.sent(nowMs);
    this.#checkSoon(nowMs);
    const frame = encodeMessage(message);
    this.#connection.send(frame);
    this.#events.onBytes?.(ipBytes(1, this.#connection.wire?.sentBytes ?? Buffer.byteLength(frame)));
  }

  /** @throws SkerryError `LINK_DISCONNECTED`, `LINK_TIMEOUT`, `LINK_CONGESTED`, `LINK_TOO_MANY_REQUESTS` */
  request(message: Message, timeoutMs: number, signal?: AbortSignal): Promise<Message> {
    return this.#requests.start(message, timeoutMs, signal, () => this.send(message));
  }

  /** Stops or resumes reading from the network. A link that is not read shows no sign of life, so it is not judged. */
  setPaused(paused: boolean): void {
    if (this.#paused === paused || this.#endReason !== undefined) return;
    this.#paused = paused;
    this.#alive = true;
    this.#liveness?.suspend(paused, this.#ports.clock.monotonicMs());
    if (this.#liveness) this.#watch(this.#liveness);
    if (paused) this.#connection.pause();
    else this.#connection.resume();
  }

  /** Closes the connection. */
  end(reason: string, code = 1000): void {
    if (this.#endReason !== undefined) return;
    this.#finish(reason);
    this.#connection.close(code, reason.slice(0, 100));
  }

  #finish(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#keepaliveTimer?.cancel();
    this.#pingTimer?.cancel();
    this.#checkAtMs = Number.NEGATIVE_INFINITY;
    this.#events.onEnd(reason);
    this.#requests.failAll(linkDisconnected(reason));
  }

  #onFrame(text: string): void {
    this.#events.onBytes?.(ipBytes(1, this.#connection.wire?.receivedBytes ?? Buffer.byteLength(text)));
    this.#alive = true;
    const nowMs = this.#ports.clock.monotonicMs();
    this.#liveness?.received(nowMs);
    this.#checkSoon(nowMs);
    let message: Message;
    try {
      message = decodeMessage(text, { ...DEFAULT_MESSAGE_LIMITS, maxBytes: this.#policy.maxMessageBytes });
    } catch (error) {
      this.#undecodableCount++;
      this.#ports.logger.warn("The cloud sent something that is no message; it is ignored", {
        error: describeError(error),
      });
      return;
    }
    if (RESERVED_OPERATIONS.has(message.route.operation ?? "")) {
      this.send(responseTo(this.#ports, message, "ack"));
      return;
    }
    if (!this.#requests.answer(message)) this.#events.onMessage(message);
  }

  #sendKeepalive(): void {
    this.#connection.send(encodeMessage(keepaliveMessage(this.#ports)));
    this.#keepaliveTimer = this.#ports.clock.setTimer(this.#policy.keepaliveMs, () => this.#sendKeepalive());
  }

  /** An idle link that gets busy is looked at before the idle period is over. Asked with each message: it must cost nothing. */
  #checkSoon(nowMs: number): void {
    if (this.#liveness && nowMs + EDGE_LIVENESS.busyPeriodMs < this.#checkAtMs)
      this.#checkAt(this.#liveness, nowMs + EDGE_LIVENESS.busyPeriodMs);
  }

  #checkAt(liveness: PatientLiveness, atMs: number): void {
    const { clock } = this.#ports;
    this.#pingTimer?.cancel();
    this.#checkAtMs = atMs;
    this.#pingTimer = clock.setTimer(Math.ceil(Math.max(0, atMs - clock.monotonicMs())), () => this.#watch(liveness));
  }

  /** Pings when it is due. Signs of life move the due time later; the timer need not follow each of them. */
  #watch(liveness: PatientLiveness): void {
    this.#pingTimer?.cancel();
    if (this.#endReason !== undefined) return;
    const { clock } = this.#ports;
    const verdict = liveness.check(clock.monotonicMs());
    if (verdict.kind === "dead") {
      this.end(`the cloud has shown no sign of life: ${verdict.reason}`, 1001);
      return;
    }
    if (verdict.kind === "ping") this.#connection.ping();
    const dueMs = liveness.nextCheckAtMs;
    this.#checkAtMs = Number.POSITIVE_INFINITY;
    if (dueMs !== undefined) this.#checkAt(liveness, dueMs);
  }

  /** From the last sign of life to the finding that there is none any more, at most two periods pass. */
  #sendPing(): void {
    if (this.#endReason !== undefined) return;
    this.#alive = this.#paused;
    this.#connection.ping();
    this.#pingTimer = this.#ports.clock.setTimer(this.#policy.pingPeriodMs, () => {
      if (this.#alive) this.#sendPing();
      else this.end(`the cloud has shown no sign of life for ${this.#policy.pingPeriodMs} ms`, 1001);
    });
  }
}
