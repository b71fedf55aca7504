import { disposable, Listeners } from "@skerry/base";
import { type DeliveryName, type Message, needsAcknowledgement, type SetReport } from "@skerry/link";
import type { CloudHubPort, SessionEvent } from "../cloudhub/cloud-hub-port.ts";
import type { WriteVerdict } from "../cloudhub/session-lease.ts";

/** A CloudHub whose nodes a test plays: it keeps what was delivered and acknowledges it when told to. */
export class ScriptedCloudHub implements CloudHubPort {
  readonly connectedNodes: Set<string> = new Set();
  /** Messages handed to sessions, oldest first. */
  readonly delivered: { readonly nodeName: string; readonly message: Message }[] = [];
  /** Whether nodes acknowledge object messages at once. */
  acknowledges = true;
  /** Sees each message that a session takes. */
  onDeliver: ((nodeName: string, message: Message) => void) | undefined;
  /** How sessions that open from now on deliver. */
  delivery: DeliveryName = "kubeedge";
  readonly #setReports = new Listeners<{ nodeName: string; report: SetReport }>(rethrow);
  readonly #sessions = new Listeners<SessionEvent>(rethrow);
  readonly #deliveries = new Listeners<{ nodeName: string; message: Message }>(rethrow);

  onSession(listener: (event: SessionEvent) => void): Disposable {
    return this.#sessions.add(listener);
  }

  onDelivered(listener: (delivery: { nodeName: string; message: Message }) => void): Disposable {
    const registration = this.#deliveries.add(listener);
    return disposable(() => registration[Symbol.dispose]());
  }

  deliveryOf(nodeName: string): DeliveryName | undefined {
    return this.connectedNodes.has(nodeName) ? this.delivery : undefined;
  }

  onSetReport(listener: (event: { nodeName: string; report: SetReport }) => void): Disposable {
    return this.#setReports.add(listener);
  }

  /** What {@link mayWrite} answers for connected nodes. */
  verdict: WriteVerdict = "live";

  async mayWrite(nodeName: string): Promise<WriteVerdict> {
    return this.connectedNodes.has(nodeName) ? this.verdict : "over";
  }

  closeSession(nodeName: string, _reason: string): void {
    this.disconnect(nodeName);
  }

  /** The node says what it holds. */
  reportSet(nodeName: string, report: SetReport): void {
    this.#setReports.emit({ nodeName, report });
  }

  deliver(nodeName: string, message: Message): boolean {
    if (!this.connectedNodes.has(nodeName)) return false;
    this.delivered.push({ nodeName, message: structuredClone(message) });
    this.onDeliver?.(nodeName, message);
    if (this.acknowledges && needsAcknowledgement(message)) queueMicrotask(() => this.acknowledge(nodeName, message));
    return true;
  }

  /** The node has committed the message. */
  acknowledge(nodeName: string, message: Message): void {
    this.#deliveries.emit({ nodeName, message });
  }

  connect(nodeName: string): void {
    this.connectedNodes.add(nodeName);
    this.#sessions.emit({ kind: "opened", nodeName });
  }

  disconnect(nodeName: string): void {
    this.connectedNodes.delete(nodeName);
    this.#sessions.emit({ kind: "closed", nodeName, reason: "the test said so" });
  }

  /** Takes what was delivered since the last call, as `<source> <operation> <resource> [version]`. */
  take(): string[] {
    return this.takeMessages().map(({ route, header }) =>
      [route.source, route.operation, route.resource, header.resourceversion].filter(Boolean).join(" "),
    );
  }

  takeMessages(): Message[] {
    return this.delivered.splice(0).map(({ message }) => message);
  }
}

function rethrow(error: unknown): void {
  throw error;
}
