import { type Clock, ConcurrencyLimit, describeError, Listeners, type Logger, type Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import {
  type AdmissionLimits,
  DEFAULT_KUBEEDGE_DELIVERY,
  type DeliveryName,
  type DeliveryProtocol,
  deliveryOf,
  KubeEdgeDelivery,
  type LinkConnection,
  type LinkListen,
  type LinkListener,
  type Message,
  type SetReport,
  SkerryDelivery,
  tunnelRequestMessage,
} from "@skerry/link";
import type { LinkTraces } from "../tracing/link-traces.ts";
import type { CloudHubPort, SessionEvent, UpstreamHandlers } from "./cloud-hub-port.ts";
import type { NodeRenewal } from "./enrolment/enrolment-service.ts";
import { cloudHubNotStarted, nodeIdMismatch, nodeLimitReached } from "./errors.ts";
import type { LinkTrace } from "./link-trace.ts";
import { annotateNode } from "./node-annotation.ts";
import { NodeMemories, type NodeMemory } from "./node-memory.ts";
import type { NodeObjects } from "./node-objects.ts";
import { NodeSession } from "./node-session.ts";
import { SessionAdmission } from "./session-admission.ts";
import { renewalPauseMs, SessionLease, type WriteVerdict } from "./session-lease.ts";
import { UpstreamDispatch } from "./upstream-dispatch.ts";

export interface CloudHubOptions {
  readonly listen: LinkListen;
  /** Name of this CloudCore among its replicas. @default cloudcore */
  readonly replica?: string;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Sessions at once. @default 500 */
  readonly nodeLimit?: number;
  /** How fast sessions may open. @default `DEFAULT_ADMISSION_LIMITS` */
  readonly admission?: AdmissionLimits;
  /** Without a message from the node for so long its session ends. @default 30_000 */
  readonly keepaliveTimeoutMs?: number;
  /** Where this CloudCore can be reached; written to the nodes' annotation `cloudcore`. */
  readonly advertisedAddress?: string;
  /** The authority of the Kubernetes API, PEM; answered to edges that ask for `k8s/ca.crt`. */
  readonly kubernetesAuthorityPem?: string;
  /** Left out: nothing is traced. */
  readonly traces?: LinkTraces | undefined;
  /** The delivery protocol of a new session. @default Skerry's where the node speaks it, else KubeEdge's */
  readonly createProtocol?: (connection: LinkConnection, nowMs: number) => DeliveryProtocol;
}

const DEFAULT_NODE_LIMIT = 500;
/** Sessions that ask the API server at once whether they are still their node's: half of what its client does at once. */
const LEASE_REQUESTS = 8;

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;

/**
 * The cloud's end of the link: one session a node, at most. The node's identity is its certificate; a newer connection
 * of a node ends the older one, and whatever the older one still reports is its own affair (wire.md W1).
 */
export class CloudHub implements CloudHubPort, AsyncDisposable {
  readonly #options: CloudHubOptions;
  readonly #logger: Logger;
  readonly #sessions = new Map<string, NodeSession>();
  readonly #memories: NodeMemories;
  readonly #leases = new Map<string, SessionLease>();
  readonly #leaseRequests = new ConcurrencyLimit(LEASE_REQUESTS);
  readonly #setListeners: Listeners<{ readonly nodeName: string; readonly report: SetReport }>;
  readonly #sessionListeners: Listeners<SessionEvent>;
  readonly #deliveryListeners: Listeners<{ readonly nodeName: string; readonly message: Message }>;
  readonly #admission: SessionAdmission;
  #upstream: UpstreamDispatch | undefined;
  /** Where a Node says that its session is. */
  #addressOf: (nodeName: string) => string | undefined = () => undefined;
  #listener: LinkListener | undefined;

  constructor(options: CloudHubOptions) {
    this.#options = options;
    this.#logger = options.logger.child("cloudhub");
    this.#admission = new SessionAdmission({
      clock: options.clock,
      nodeLimit: options.nodeLimit ?? DEFAULT_NODE_LIMIT,
      waitingRequests: () => this.#leaseRequests.waiting,
      connectedNodes: () => this.#sessions,
      ...(options.admission ? { limits: options.admission } : {}),
    });
    this.#memories = new NodeMemories(2 * (options.nodeLimit ?? DEFAULT_NODE_LIMIT));
    const onError = (error: unknown): void =>
      this.#logger.error("A listener of CloudHub failed", { error: describeError(error) });
    this.#sessionListeners = new Listeners(onError);
    this.#deliveryListeners = new Listeners(onError);
    this.#setListeners = new Listeners(onError);
  }

  /**
   * Begins to accept nodes. The handlers must be ready: the first message may come at once.
   * @throws SkerryError of the listener, `LINK_PORT_IN_USE` among them
   */
  async start(handlers: UpstreamHandlers, nodeObjects: NodeObjects): Promise<void> {
    const { clock, random } = this.#options;
    this.#addressOf = (nodeName) => nodeObjects.sessionAddressOf?.(nodeName);
    this.#upstream = new UpstreamDispatch({
      handlers,
      nodeObjects,
      stamp: { clock, random },
      logger: this.#logger,
      deliver: (nodeName, message) => this.deliver(nodeName, message),
      kubernetesAuthorityPem: this.#options.kubernetesAuthorityPem,
    });
    this.#listener = await this.#options.listen(
      (connection) => this.#accept(connection),
      (nodeName) => this.#admission.admit(nodeName),
      () => this.#admission.isBusy,
    );
  }

  /** The listener's port. @throws SkerryError `CLOUDHUB_NOT_STARTED` */
  get port(): number {
    if (!this.#listener) throw cloudHubNotStarted();
    return this.#listener.port;
  }

  get connectedNodes(): ReadonlySet<string> {
    return new Set(this.#sessions.keys());
  }

  onSession(listener: (event: SessionEvent) => void): Disposable {
    return this.#sessionListeners.add(listener);
  }

  onDelivered(listener: (delivery: { readonly nodeName: string; readonly message: Message }) => void): Disposable {
    return this.#deliveryListeners.add(listener);
  }

  onSetReport(listener: (event: { readonly nodeName: string; readonly report: SetReport }) => void): Disposable {
    return this.#setListeners.add(listener);
  }

  deliveryOf(nodeName: string): DeliveryName | undefined {
    return this.#sessions.get(nodeName)?.delivery;
  }

  closeSession(nodeName: string, reason: string): void {
    this.#sessions.get(nodeName)?.close(SERVICE_RESTART, reason);
  }

  async mayWrite(nodeName: string): Promise<WriteVerdict> {
    return (await this.#leases.get(nodeName)?.verdict()) ?? "over";
  }

  /** Ends the session of a node that may no longer be here. */
  expel(nodeName: string, reason: string): void {
    this.#sessions.get(nodeName)?.close(POLICY_VIOLATION, reason);
  }

  /** A node has a new certificate: a session that was opened with the one before lives on, until the new one's end. */
  noteRenewal({ nodeName, oldFingerprint, notAfterMs }: NodeRenewal): void {
    const session = this.#sessions.get(nodeName);
    if (session?.certificateFingerprint === oldFingerprint) session.extendUntil(notAfterMs);
  }

  deliver(nodeName: string, message: Message): boolean {
    const session = this.#sessions.get(nodeName);
    return session?.offer(this.#options.traces?.outgoing(nodeName, message) ?? message) ?? false;
  }

  /** Asks a connected node to open its stream tunnel; false when it is not connected, or keeps its tunnel open itself. */
  askForTunnel(nodeName: string): boolean {
    const session = this.#sessions.get(nodeName);
    return session?.opensTunnelOnDemand === true && session.offer(tunnelRequestMessage(this.#options));
  }

  /** How the node's link is. `recentMs`: only the traffic of so long; left out: all that is counted. */
  trace(nodeName: string, recentMs?: number): LinkTrace {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const atMs = clock.now();
    const session = this.#sessions.get(nodeName);
    const memory = this.#memories.get(nodeName);
    const traffic = recentMs === undefined ? memory?.traffic.total(nowMs) : memory?.traffic.recent(recentMs, nowMs);
    return {
      node: nodeName,
      atMs,
      link: session ? connectedLink(session, atMs - (nowMs - session.openedAtMs)) : absentLink(memory),
      traffic: traffic ?? { coversMs: 0, rows: [] },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#sessions.values()]) session.close(GOING_AWAY, "CloudCore is stopping");
    await this.#listener?.[Symbol.asyncDispose]();
  }

  #accept(connection: LinkConnection): void {
    const nodeName = connection.peer.name;
    const claimed = connection.headers["node_id"] ?? "";
    const older = this.#sessions.get(nodeName);
    const limit = this.#options.nodeLimit ?? DEFAULT_NODE_LIMIT;
    if (claimed !== nodeName) {
      this.#refuse(connection, POLICY_VIOLATION, nodeIdMismatch(claimed, nodeName));
      return;
    }
    if (!older && this.#sessions.size >= limit) {
      this.#refuse(connection, TRY_AGAIN_LATER, nodeLimitReached(limit));
      return;
    }
    older?.close(POLICY_VIOLATION, "a newer connection of this node took over");
    this.#open(nodeName, connection);
  }

  #refuse(connection: LinkConnection, code: number, error: Error): void {
    this.#logger.warn("A node was refused", { node: connection.peer.name, error: describeError(error) });
    connection.close(code, describeError(error));
  }

  #open(nodeName: string, connection: LinkConnection): void {
    const { clock, advertisedAddress } = this.#options;
    const ended = new AbortController();
    const memory = this.#memories.connected(nodeName, clock.monotonicMs());
    const session: NodeSession = new NodeSession({
      nodeName,
      connection,
      protocol: this.#createProtocol(memory, connection),
      clock,
      logger: this.#logger,
      traffic: memory.traffic,
      dispatch: async (message) => {
        // What an older session's node still had to say must not overtake the newer session, here or elsewhere.
        if (this.#sessions.get(nodeName) !== session) return;
        const verdict = await lease?.verdict();
        if (this.#sessions.get(nodeName) !== session || verdict === "over") return;
        const work = async () => this.#upstream?.dispatch(nodeName, message, verdict === "unknown");
        await (this.#options.traces?.incoming(nodeName, message, work) ?? work());
      },
      onBacklog: (isLong) => this.#admission.setBacklogged(session, isLong),
      onDelivered: (message) => {
        this.#options.traces?.delivered(nodeName, message);
        this.#deliveryListeners.emit({ nodeName, message });
      },
      onSetReport: (report) => {
        if (this.#sessions.get(nodeName) === session) this.#setListeners.emit({ nodeName, report });
      },
      onEnd: (reason) => {
        ended.abort();
        this.#admission.setBacklogged(session, false);
        this.#close(session, reason);
      },
    });
    this.#sessions.set(nodeName, session);
    const { delivery } = session;
    this.#logger.info("A node is connected", { node: nodeName, delivery, connectedNodes: this.#sessions.size });
    this.#sessionListeners.emit({ kind: "opened", nodeName });
    // A listener may have ended the session.
    const lease = this.#sessions.get(nodeName) === session ? this.#keepLease(session, ended.signal) : undefined;
    session.start();
    if (advertisedAddress) {
      const ports = { ...this.#options, logger: this.#logger, addressOf: this.#addressOf };
      void annotateNode(ports, nodeName, advertisedAddress, ended.signal);
    }
  }

  /** Forgets the session if it is still the node's: a newer one is none of its business (wire.md W1). */
  #close(session: NodeSession, reason: string): void {
    const { nodeName } = session;
    if (this.#sessions.get(nodeName) !== session) return;
    this.#sessions.delete(nodeName);
    const memory = this.#memories.get(nodeName);
    if (memory) memory.lastEnd = { atMs: this.#options.clock.now(), reason };
    this.#logger.info("A node is no longer connected", {
      node: nodeName,
      reason,
      connectedForSeconds: Math.round((this.#options.clock.monotonicMs() - session.openedAtMs) / 1000),
      ...session.counters,
    });
    this.#sessionListeners.emit({ kind: "closed", nodeName, reason });
  }

  #keepLease(session: NodeSession, ended: AbortSignal): SessionLease {
    const { api, clock, replica = "cloudcore" } = this.#options;
    const { nodeName, delivery } = session;
    const lease = new SessionLease({
      nodeName,
      replica,
      renewedBy: delivery === "skerry" ? "cloud" : "edge",
      api,
      asking: this.#leaseRequests,
      renewMs: () => renewalPauseMs(this.#leases.size, this.#leaseRequests.waiting),
      clock,
      logger: this.#logger,
      onOver: (reason) => session.close(SERVICE_RESTART, reason),
    });
    this.#leases.set(nodeName, lease);
    const onEnd = (): void => {
      lease[Symbol.dispose]();
      if (this.#leases.get(nodeName) === lease) this.#leases.delete(nodeName);
    };
    ended.addEventListener("abort", onEnd, { once: true });
    return lease;
  }

  #createProtocol({ receipts }: NodeMemory, connection: LinkConnection): DeliveryProtocol {
    const { clock, random } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#options.createProtocol) return this.#options.createProtocol(connection, nowMs);
    if (deliveryOf(connection.headers) === "skerry") return new SkerryDelivery(nowMs, { clock, random }, receipts);
    const messageTimeoutMs = this.#options.keepaliveTimeoutMs ?? DEFAULT_KUBEEDGE_DELIVERY.messageTimeoutMs;
    return new KubeEdgeDelivery(nowMs, { ...DEFAULT_KUBEEDGE_DELIVERY, messageTimeoutMs });
  }
}

function connectedLink({ delivery, counters, backlog }: NodeSession, sinceMs: number): LinkTrace["link"] {
  return { state: "connected", sinceMs, delivery, counters, backlog };
}

function absentLink(memory: NodeMemory | undefined): LinkTrace["link"] {
  if (!memory?.lastEnd) return { state: "not-seen" };
  return { state: "offline", sinceMs: memory.lastEnd.atMs, reason: memory.lastEnd.reason };
}
