import { type Clock, describeError } from "@skerry/base";
import { type Admission, AdmissionGate, type AdmissionLimits } from "@skerry/link";
import { nodeLimitReached } from "./errors.ts";

export interface SessionAdmissionOptions {
  readonly clock: Clock;
  readonly nodeLimit: number;
  readonly limits?: AdmissionLimits;
  readonly connectedNodes: () => { readonly size: number; has(nodeName: string): boolean };
}

/** While the messages of so many nodes wait to be handled, no other node is let in: it would only make it worse. */
const MAX_BACKLOG_SESSIONS = 100;

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

  admit(nodeName: string): Admission {
    const { clock, nodeLimit, connectedNodes } = this.#options;
    const nowMs = clock.monotonicMs();
    const connected = connectedNodes();
    if (!connected.has(nodeName) && connected.size >= nodeLimit)
      return this.#gate.refuse(nowMs, describeError(nodeLimitReached(nodeLimit)));
    if (this.#backlogged.size >= MAX_BACKLOG_SESSIONS)
      return this.#gate.refuse(nowMs, "the messages of many nodes wait to be handled");
    return this.#gate.admit(nowMs);
  }
}
