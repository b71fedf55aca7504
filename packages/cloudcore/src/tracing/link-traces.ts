import { type Clock, parseTraceparent, type Span, type Tracer } from "@skerry/base";
import type { Message } from "@skerry/link";

/** Deliveries that wait for their acknowledgement; beyond it the oldest is ended as lost from sight. */
const MAX_OPEN = 1_024;
/** Changes whose message has not been made yet. */
const MAX_CHANGED = 1_024;
const SOURCES: ReadonlySet<string> = new Set(["edgecontroller", "devicecontroller"]);
const OPERATIONS: ReadonlySet<string> = new Set(["insert", "update", "delete"]);

/**
 * Traces of objects on their way to the nodes and of what the nodes answer: one span from the cluster's change to the
 * node's acknowledgement, one around each write that a node asks for within a trace.
 */
export class LinkTraces {
  readonly #tracer: Tracer;
  readonly #clock: Clock;
  /** By node and resource. */
  readonly #open = new Map<string, { readonly messageId: string; readonly span: Span }>();
  readonly #changedAtMs = new Map<string, number>();

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer;
    this.#clock = clock;
  }

  /** An object of the node has changed in the cluster; its message is made next. */
  changed(nodeName: string, resource: string): void {
    const key = keyOf(nodeName, resource);
    this.#changedAtMs.delete(key);
    this.#changedAtMs.set(key, this.#clock.now());
    for (const [oldest] of this.#changedAtMs) {
      if (this.#changedAtMs.size <= MAX_CHANGED) break;
      this.#changedAtMs.delete(oldest);
    }
  }

  /** The message as it is to be sent: an object's carries the trace that begins with it. */
  outgoing(nodeName: string, message: Message): Message {
    const { source = "", operation = "", resource = "" } = message.route;
    if (!SOURCES.has(source) || !OPERATIONS.has(operation) || message.header.parent_msg_id) return message;
    const key = keyOf(nodeName, resource);
    this.#open.get(key)?.span.end("a newer version took its place");
    const startMs = this.#changedAtMs.get(key);
    this.#changedAtMs.delete(key);
    const span = this.#tracer.start(`deliver ${typeOf(resource)}`, {
      kind: "producer",
      ...(startMs === undefined ? {} : { startMs }),
      attributes: { "k8s.node.name": nodeName, "skerry.resource": resource, "skerry.operation": operation },
    });
    this.#open.delete(key);
    this.#open.set(key, { messageId: message.header.msg_id, span });
    for (const [oldest, { span: lost }] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      lost.end("not acknowledged while it was watched");
      this.#open.delete(oldest);
    }
    return { ...message, header: { ...message.header, traceparent: span.traceparent } };
  }

  /** The node has stored the message. */
  delivered(nodeName: string, message: Message): void {
    const key = keyOf(nodeName, message.route.resource ?? "");
    const open = this.#open.get(key);
    if (open?.messageId !== message.header.msg_id) return;
    open.span.end();
    this.#open.delete(key);
  }

  /** Does what a node's message asks for, within its trace if it has one. */
  async incoming(nodeName: string, message: Message, work: () => Promise<void>): Promise<void> {
    const { operation = "", resource = "" } = message.route;
    const { traceparent } = message.header;
    if (parseTraceparent(traceparent) === undefined) return await work();
    await this.#tracer.measure(
      `write ${typeOf(resource)}`,
      {
        kind: "consumer",
        parent: traceparent,
        attributes: { "k8s.node.name": nodeName, "skerry.resource": resource, "skerry.operation": operation },
      },
      work,
    );
  }
}

const keyOf = (nodeName: string, resource: string): string => `${nodeName} ${resource}`;
/** The resource's type: `pod` of `default/pod/web`. Few, so that spans have few names. */
const typeOf = (resource: string): string => resource.split("/")[1] ?? resource;
