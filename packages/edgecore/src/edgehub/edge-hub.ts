import {
  abortReason,
  type Clock,
  describeError,
  Listeners,
  type Logger,
  type Random,
  RetrySchedule,
  type Service,
  sleep,
} from "@skerry/base";
import {
  ByteBudget,
  type ByteBudgetLimits,
  type ByteBudgetStatus,
  DELIVERY_HEADER,
  type DeliveryName,
  type LinkConnection,
  type LinkDialer,
  type Message,
  OFFERED_DELIVERY,
  retryAfterOf,
  TUNNEL_HEADER,
  TUNNEL_ON_DEMAND,
} from "@skerry/link";
import { CloudAddresses } from "../cloud-addresses.ts";
import type { CloudLink, CloudLinkState, DownstreamHandler } from "./cloud-link.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { DownstreamTarget } from "./downstream-target.ts";
import { byteBudgetSpent, dialTimedOut, linkDisconnected } from "./errors.ts";
import { defaultSessionPolicy, LinkSession, type SessionPolicy } from "./link-session.ts";

/** What EdgeHub works with. */
export interface EdgeHubPorts {
  readonly dialer: LinkDialer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EdgeHubOptions {
  readonly nodeName: string;
  /** KubeEdge's project id: part of the address, not evaluated (wire.md 3.1). */
  readonly projectId: string;
  /** `host:port` of CloudCore, or of its replicas: see {@link CloudAddresses}. At least one. */
  readonly servers: readonly string[];
  /** While another address is untried a dial may take only {@link HURRIED_DIAL_TIMEOUT_MS}. @default 5000 */
  readonly dialTimeoutMs?: number;
  readonly session?: Partial<SessionPolicy>;
  /** `skerry`: offers Skerry's delivery, and uses KubeEdge's with a cloud that does not know it. @default skerry */
  readonly delivery?: DeliveryName;
  /** Whether the node opens its stream tunnel when Skerry's cloud asks for it. @default false */
  readonly streams?: boolean;
}

/** A session shorter than this counts as a failed attempt, so that a refusal right after the handshake backs off. */
const SETTLED_AFTER_MS = 10_000;
/** A machine that is off answers nothing: the next address is not kept waiting for it. */
const HURRIED_DIAL_TIMEOUT_MS = 1500;
/** Before the next address is tried, when one could not be dialled; plus as much again at random. */
const NEXT_ADDRESS_MS = 50;
/** A dial that hung has paced itself already; the next one follows soon, to meet the network when it is back. */
const AFTER_HANG_MS = 250;
/** The cloud says when to come again, in whole seconds: within them nodes come at random times. */
const BUSY_JITTER = 0.25;
/** While the cloud stays away, failed attempts are told once in this time. */
const TELL_AGAIN_MS = 60_000;

/** EdgeHub: keeps one session with the cloud, for ever, and carries the modules' messages over it. */
export class EdgeHub implements CloudLink, Service {
  readonly #ports: EdgeHubPorts;
  readonly #options: EdgeHubOptions;
  readonly #policy: SessionPolicy;
  readonly #logger: Logger;
  readonly #listeners: Listeners<CloudLinkState>;
  readonly #dispatcher: Dispatcher;
  readonly #addresses: CloudAddresses;
  readonly #retry: RetrySchedule;
  readonly #stopped = new AbortController();
  #state: CloudLinkState;
  #session: LinkSession | undefined;
  #loop: Promise<void> | undefined;
  #budget: ByteBudget | undefined;
  #attemptCount = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #redialAtOnce = false;

  constructor(ports: EdgeHubPorts, options: EdgeHubOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#policy = { ...defaultSessionPolicy, ...options.session };
    this.#logger = ports.logger.child("edgehub");
    this.#listeners = new Listeners((error) =>
      this.#logger.error("A listener of the link's state failed", { error: describeError(error) }),
    );
    this.#dispatcher = new Dispatcher(this.#logger, (paused) => this.#session?.setPaused(paused));
    this.#addresses = new CloudAddresses(options.servers, ports.random);
    // 1–2 s after a loss, up to about 10 s while the cloud refuses; half as long at first where others may take over.
    const initialMs = this.#addresses.count > 1 ? 750 : 1500;
    this.#retry = new RetrySchedule({ initialMs, maximumMs: 7500, jitter: 1 / 3 }, ports.random);
    this.#state = { kind: "disconnected", sinceMs: ports.clock.now(), reason: "EdgeCore has not connected yet" };
  }

  get state(): CloudLinkState {
    return this.#state;
  }

  onState(listener: (state: CloudLinkState) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Says who takes the messages of a module; before `start`. */
  register(target: DownstreamTarget, handler: DownstreamHandler): Disposable {
    return this.#dispatcher.register(target, handler);
  }

  /** Begins to connect; does not wait for the first session. */
  async start(): Promise<void> {
    this.#loop ??= this.#run();
  }

  get byteBudget(): ByteBudgetStatus | undefined {
    return this.#budget?.status(this.#ports.clock.monotonicMs());
  }

  /** Limits what the link may cost from now on; undefined: it is not limited. The same limits again change nothing. */
  setByteBudget(limits: ByteBudgetLimits | undefined): void {
    const now = this.byteBudget;
    if (now?.bytesPerDay === limits?.bytesPerDay && now?.burstBytes === limits?.burstBytes) return;
    this.#budget = limits && new ByteBudget(limits, this.#ports.clock.monotonicMs());
    this.#logger.info("The link's byte budget has changed", { ...limits });
  }

  send(message: Message): void {
    const session = this.#liveSession();
    this.#requireBudget(message);
    session.send(message);
  }

  async request(message: Message, timeoutMs: number, signal?: AbortSignal): Promise<Message> {
    const session = this.#liveSession();
    this.#requireBudget(message);
    return await session.request(message, timeoutMs, signal);
  }

  /** Ends the session and opens a new one at once, e.g. with a renewed certificate. */
  reconnect(reason: string): void {
    this.#redialAtOnce = this.#session !== undefined;
    this.#session?.end(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#session?.end("EdgeCore stops");
    await this.#loop;
    await this.#dispatcher[Symbol.asyncDispose]();
  }

  /** @throws SkerryError `LINK_BUDGET_SPENT` */
  #requireBudget(message: Message): void {
    const nowMs = this.#ports.clock.monotonicMs();
    if (!this.#budget || this.#budget.admits(message, nowMs)) return;
    const { operation = "", resource = "" } = message.route;
    throw byteBudgetSpent(operation, resource, this.#budget.status(nowMs).stage);
  }

  #liveSession(): LinkSession {
    if (this.#session) return this.#session;
    throw linkDisconnected(this.#state.kind === "disconnected" ? this.#state.reason : "the session has just ended");
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const delayMs = await this.#attempt(this.#addresses.current);
      if (signal.aborted) return;
      await sleep(this.#ports.clock, delayMs, signal).catch(() => undefined);
    }
  }

  /** Dials and, on success, lives one session to its end. Returns how long to wait before the next attempt. */
  async #attempt(server: string): Promise<number> {
    const { clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    const timeoutMs = this.#dialTimeoutMs;
    this.#attemptCount++;
    let connection: LinkConnection;
    try {
      connection = await this.#dial(server, timeoutMs);
    } catch (error) {
      if (this.#stopped.signal.aborted) return 0;
      this.#tellFailure(server, error);
      const hung = clock.monotonicMs() - startedMs >= timeoutMs;
      if (this.#addresses.failed()) return this.#aBit(NEXT_ADDRESS_MS);
      const retryAfterMs = retryAfterOf(error);
      if (retryAfterMs !== undefined) return Math.round(retryAfterMs * (1 + BUSY_JITTER * this.#ports.random.float()));
      return hung ? this.#aBit(AFTER_HANG_MS) : this.#retry.nextDelayMs();
    }
    if (this.#stopped.signal.aborted) {
      connection.close(1000, "EdgeCore stops");
      return 0;
    }
    const openedMs = clock.monotonicMs();
    await this.#live(connection, server, openedMs - startedMs);
    if (this.#redialAtOnce) {
      this.#redialAtOnce = false;
      return 0;
    }
    if (clock.monotonicMs() - openedMs >= SETTLED_AFTER_MS) {
      this.#retry.reset();
      this.#addresses.succeeded();
    } else this.#addresses.failed();
    return this.#retry.nextDelayMs();
  }

  #aBit(leastMs: number): number {
    return Math.round(leastMs * (1 + this.#ports.random.float()));
  }

  get #dialTimeoutMs(): number {
    const longestMs = this.#options.dialTimeoutMs ?? 5000;
    return this.#addresses.hasUntried ? Math.min(longestMs, HURRIED_DIAL_TIMEOUT_MS) : longestMs;
  }

  async #dial(server: string, timeoutMs: number): Promise<LinkConnection> {
    const { nodeName, projectId } = this.#options;
    const dialing = new AbortController();
    const onStop = (): void => dialing.abort(abortReason(this.#stopped.signal));
    this.#stopped.signal.addEventListener("abort", onStop, { once: true });
    const timer = this.#ports.clock.setTimer(timeoutMs, () => dialing.abort(dialTimedOut(server, timeoutMs)));
    try {
      const url = `wss://${server}/${encodeURIComponent(projectId)}/${encodeURIComponent(nodeName)}/events`;
      const kubeEdge = { node_id: nodeName, project_id: projectId, ConnectionUse: "msg" };
      const headers = this.#options.delivery === "kubeedge" ? kubeEdge : { ...kubeEdge, ...this.#skerryHeaders };
      return await this.#ports.dialer.dial(url, headers, dialing.signal);
    } finally {
      timer.cancel();
      this.#stopped.signal.removeEventListener("abort", onStop);
    }
  }

  get #skerryHeaders(): Readonly<Record<string, string>> {
    return {
      [DELIVERY_HEADER]: OFFERED_DELIVERY,
      ...(this.#options.streams ? { [TUNNEL_HEADER]: TUNNEL_ON_DEMAND } : {}),
    };
  }

  /** Resolves when the session has ended. */
  #live(connection: LinkConnection, server: string, tookMs: number): Promise<void> {
    const { clock } = this.#ports;
    return new Promise((resolve) => {
      const openedMs = clock.monotonicMs();
      const session = new LinkSession(connection, { ...this.#ports, logger: this.#logger }, this.#policy, {
        onMessage: (message) => this.#dispatcher.dispatch(message),
        onBytes: (bytes) => this.#budget?.spend(bytes, clock.monotonicMs()),
        onEnd: (reason) => {
          this.#session = undefined;
          this.#setState({ kind: "disconnected", sinceMs: clock.now(), reason });
          const facts = { server, reason, connectedForMs: Math.round(clock.monotonicMs() - openedMs) };
          if (this.#stopped.signal.aborted) this.#logger.info("Disconnected from the cloud", facts);
          else this.#logger.warn("The link to the cloud is down; the edge goes on by itself", facts);
          resolve();
        },
      });
      this.#session = session;
      const { delivery } = session;
      this.#logger.info("Connected to the cloud", {
        server,
        delivery,
        tookMs: Math.round(tookMs),
        attempts: this.#attemptCount,
        offlineForMs: this.#state.kind === "disconnected" ? clock.now() - this.#state.sinceMs : 0,
      });
      this.#attemptCount = 0;
      this.#toldAtMs = Number.NEGATIVE_INFINITY;
      session.start();
      if (this.#dispatcher.paused) session.setPaused(true);
      const tunnel = session.takesTunnel && this.#options.streams ? { tunnelServer: server } : {};
      const { authorityHash } = session;
      const authority = authorityHash === undefined ? {} : { authorityHash };
      if (this.#session === session)
        this.#setState({ kind: "connected", sinceMs: clock.now(), delivery, ...tunnel, ...authority });
    });
  }

  #setState(state: CloudLinkState): void {
    this.#state = state;
    this.#listeners.emit(state);
  }

  #tellFailure(server: string, error: unknown): void {
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs - this.#toldAtMs < TELL_AGAIN_MS) return;
    this.#toldAtMs = nowMs;
    this.#logger.warn("The cloud cannot be reached; the edge goes on by itself and keeps trying", {
      server,
      attempts: this.#attemptCount,
      error: describeError(error),
    });
  }
}
