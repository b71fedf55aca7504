import type { Clock, Random, Timer } from "@skerry/base";
import { type Message, type MessageRoute, newMessage } from "@skerry/link";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";

/** How a call of a node ended. */
export type EdgeAnswer =
  | { readonly kind: "answered"; readonly message: Message }
  | { readonly kind: "not-connected" }
  | { readonly kind: "timed-out" }
  | { readonly kind: "too-many" }
  | { readonly kind: "cancelled" };

export interface EdgeCallsPorts {
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
}

interface OpenCall {
  readonly nodeName: string;
  readonly timer: Timer;
  readonly settle: (answer: EdgeAnswer) => void;
}

/** Calls that may be open at once, over all nodes; further ones are turned away. */
const LIMIT = 1_000;

/** Requests to nodes that wait for the message whose parent they are. An answer counts only from the node asked. */
export class EdgeCalls implements Disposable {
  readonly #ports: EdgeCallsPorts;
  readonly #open = new Map<string, OpenCall>();
  #turnedAwayCount = 0;

  constructor(ports: EdgeCallsPorts) {
    this.#ports = ports;
  }

  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  /** Asks a node; the call is open before the message leaves, so that no answer is too early. */
  call(
    nodeName: string,
    route: MessageRoute,
    content: Message["content"],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<EdgeAnswer> {
    const { cloudHub, clock } = this.#ports;
    if (this.#open.size >= LIMIT) {
      this.#turnedAwayCount++;
      return Promise.resolve({ kind: "too-many" });
    }
    const message = newMessage(this.#ports, route, content);
    const id = message.header.msg_id;
    return new Promise((resolve) => {
      const settle = (answer: EdgeAnswer): void => {
        if (!this.#open.delete(id)) return;
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
        resolve(answer);
      };
      const onAbort = (): void => settle({ kind: "cancelled" });
      const timer = clock.setTimer(timeoutMs, () => settle({ kind: "timed-out" }));
      this.#open.set(id, { nodeName, timer, settle });
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) settle({ kind: "cancelled" });
      else if (!cloudHub.deliver(nodeName, message)) settle({ kind: "not-connected" });
    });
  }

  /** Whether the message was the answer to an open call of that node. */
  answer(nodeName: string, message: Message): boolean {
    const call = this.#open.get(message.header.parent_msg_id ?? "");
    if (call?.nodeName !== nodeName) return false;
    call.settle({ kind: "answered", message });
    return true;
  }

  /** The node's session has ended: nothing will answer. */
  nodeLeft(nodeName: string): void {
    for (const call of [...this.#open.values()]) if (call.nodeName === nodeName) call.settle({ kind: "not-connected" });
  }

  [Symbol.dispose](): void {
    for (const call of [...this.#open.values()]) call.settle({ kind: "cancelled" });
  }
}
