import { type Clock, parseTraceparent, type Tracer } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { ContainerRuntime } from "../edged/index.ts";
import type { CloudLink, DownstreamHandler } from "../edgehub/index.ts";
import { TracedRuntime } from "./traced-runtime.ts";

/** Objects whose trace is remembered; beyond it the oldest is forgotten. */
const MAX_OBJECTS = 512;
/** What happens to an object later than that does not come from the change that the trace is about. */
const MEMORY_MS = 10 * 60_000;

/**
 * Follows an object's change through the node: stored, the calls of the container runtime for its pod, its status on the
 * way back. It stands before and behind the modules, which know nothing of it.
 */
export class EdgeTraces {
  readonly #tracer: Tracer;
  readonly #clock: Clock;
  /** The trace that an object's newest version came with, by `<namespace>/<type>/<name>`. */
  readonly #traces = new Map<string, { readonly traceparent: string; readonly atMs: number }>();

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer;
    this.#clock = clock;
  }

  /** In front of what stores objects. */
  handler(behind: DownstreamHandler): DownstreamHandler {
    return { handle: (message) => this.#store(message, () => behind.handle(message)) };
  }

  /** In front of the link, for what reports the status of pods. */
  link(behind: CloudLink): CloudLink {
    return {
      get state() {
        return behind.state;
      },
      get byteBudget() {
        return behind.byteBudget;
      },
      onState: (listener) => behind.onState(listener),
      send: (message) => behind.send(message),
      request: (message, timeoutMs, signal) =>
        this.#report(message, (traced) => behind.request(traced, timeoutMs, signal)),
    };
  }

  /** In front of the container runtime. */
  runtime(behind: ContainerRuntime): ContainerRuntime {
    return new TracedRuntime(behind, this.#tracer, (namespace, pod) => this.#traceOf(`${namespace}/pod/${pod}`));
  }

  async #store(message: Message, work: () => Promise<void>): Promise<void> {
    const { traceparent: parent } = message.header;
    const { resource = "" } = message.route;
    if (parseTraceparent(parent) === undefined) return await work();
    const attributes = { "skerry.resource": resource };
    await this.#tracer.measure("store", { kind: "consumer", parent, attributes }, (traceparent) => {
      this.#remember(resource, traceparent);
      return work();
    });
  }

  async #report(message: Message, send: (message: Message) => Promise<Message>): Promise<Message> {
    const [namespace = "", type, name = ""] = (message.route.resource ?? "").split("/");
    const parent = type === "podpatch" ? this.#traceOf(`${namespace}/pod/${name}`) : undefined;
    if (parent === undefined) return await send(message);
    const attributes = { "k8s.namespace.name": namespace, "k8s.pod.name": name };
    return await this.#tracer.measure("report status", { kind: "producer", parent, attributes }, (traceparent) =>
      send({ ...message, header: { ...message.header, traceparent } }),
    );
  }

  #remember(resource: string, traceparent: string): void {
    this.#traces.delete(resource);
    this.#traces.set(resource, { traceparent, atMs: this.#clock.monotonicMs() });
    for (const [oldest] of this.#traces) {
      if (this.#traces.size <= MAX_OBJECTS) break;
      this.#traces.delete(oldest);
    }
  }

  #traceOf(resource: string): string | undefined {
    const known = this.#traces.get(resource);
    if (known && this.#clock.monotonicMs() - known.atMs <= MEMORY_MS) return known.traceparent;
    this.#traces.delete(resource);
    return undefined;
  }
}
