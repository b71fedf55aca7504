import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { formatTraceparent, parseTraceparent, type TraceContext } from "./trace-context.ts";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** How a span stands to the one on the other side of the link. */
export type SpanKind = "internal" | "producer" | "consumer" | "client";

/** A span that is over. Times are wall clock, ms. */
export interface FinishedSpan {
  readonly context: TraceContext;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  /** Why it failed; undefined when it did not. */
  readonly failure: string | undefined;
}

/** Work that is measured until it is ended. */
export interface Span {
  readonly traceparent: string;
  /** Only the first end counts. @param failure why it failed */
  end(failure?: string): void;
}

export interface SpanStart {
  readonly kind?: SpanKind;
  /** The span that it is part of; left out: it begins a trace. */
  readonly parent?: string | undefined;
  /** Wall clock, ms; left out: now. */
  readonly startMs?: number;
  readonly attributes?: SpanAttributes;
}

export interface TracerPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Takes finished spans; must not throw. */
  readonly export: (span: FinishedSpan) => void;
}

/** Begins spans. Their durations are measured with the monotonic clock, so a clock that is set does not stretch them. */
export class Tracer {
  readonly #ports: TracerPorts;

  constructor(ports: TracerPorts) {
    this.#ports = ports;
  }

  start(name: string, { kind = "internal", parent, startMs, attributes = {} }: SpanStart = {}): Span {
    const { clock, random } = this.#ports;
    const above = parseTraceparent(parent);
    const context = { traceId: above?.traceId ?? hex(random, 16), spanId: hex(random, 8) };
    const beganMs = startMs ?? clock.now();
    const beganMonotonicMs = clock.monotonicMs() - (clock.now() - beganMs);
    let isOver = false;
    return {
      traceparent: formatTraceparent(context),
      end: (failure) => {
        if (isOver) return;
        isOver = true;
        const endMs = beganMs + Math.max(0, clock.monotonicMs() - beganMonotonicMs);
        this.#ports.export({
          ...{ context, parentSpanId: above?.spanId, name, kind, attributes, failure },
          ...{ startMs: beganMs, endMs },
        });
      },
    };
  }

  /** Measures work to its end; what it throws is told and thrown on. */
  async measure<T>(name: string, start: SpanStart, work: (traceparent: string) => Promise<T>): Promise<T> {
    const span = this.start(name, start);
    try {
      const result = await work(span.traceparent);
      span.end();
      return result;
    } catch (error) {
      span.end(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}

function hex(random: Random, sizeBytes: number): string {
  return [...random.bytes(sizeBytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
