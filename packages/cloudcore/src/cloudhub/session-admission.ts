import { type Clock, describeError } from "@skerry/base";
import { type Admission, AdmissionGate, type AdmissionLimits } from "@skerry/link";
import { nodeLimitReached } from "./errors.ts";

export interface SessionAdmissionOptions {
  readonly clock: Clock;
  readonly nodeLimit: number;
  readonly limits?: AdmissionLimits;
  /** Requests of sessions that wait for the API server. */
  readonly waitingRequests: () => number;
  readonly connectedNodes: () => { readonly size: number; has(nodeName: string): boolean };
}

/** While so many nodes wait, no other node is let in: it would only make it worse, until those inside lose their leases. */
const BUSY_NODES = 100;
/** Those whose handshake was under way when it became too many are let in up to here: to send them away costs as much. */
const MAX_WAITING_NODES = 150;

/** Whether CloudHub has room for one more session now; who is sent away is told when to come again. */
export class SessionAdmission {
  readonly #options: SessionAdmissionOptions;
  readonly #gate: AdmissionGate;
  /** Nodes that are not read from, because their messages wait to be handled. */
  readonly #backlogged = new Set<object>();

  constructor(options: SessionAdmissionOptions) {
    this.#options = options;
    this.#gate = new AdmissionGate(options.clock.monotonicMs(), options.limits);
  }

  /** Connections that were sent away. */
  get refusedCount(): number {
    return this.#gate.refusedCount;
  }

  /** A session has, or no longer has, more messages waiting than it reads on with. */
  setBacklogged(session: object, isBacklogged: boolean): void {
    if (isBacklogged) this.#backlogged.add(session);
    else this.#backlogged.delete(session);
  }

  /** Whether nobody should begin to connect now, whoever it is. */
  get isBusy(): boolean {
    return this.#waiting >= BUSY_NODES;
  }

  get #waiting(): number {
    return this.#backlogged.size + this.#options.waitingRequests();
  }

  admit(nodeName: string): Admission {
    const { clock, nodeLimit, connectedNodes } = this.#options;
    const nowMs = clock.monotonicMs();
    const connected = connectedNodes();
    if (!connected.has(nodeName) && connected.size >= nodeLimit)
      return this.#gate.refuse(nowMs, describeError(nodeLimitReached(nodeLimit)));
    if (this.#waiting >= MAX_WAITING_NODES)
      return this.#gate.refuse(nowMs, "many nodes wait for CloudCore or the Kubernetes API");
    return this.#gate.admit(nowMs);
  }
}
