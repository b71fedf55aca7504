import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { Random } from "../random.ts";
import { OtlpExporter } from "../tracing/otlp-exporter.ts";
import { type SpanAttributes, Tracer } from "../tracing/tracer.ts";
import { HttpSpanSink } from "./http-span-sink.ts";

export interface TracerOptions {
  /** A collector's OTLP/HTTP address. */
  readonly endpoint: string;
  /** What the spans are of: `service.name` and others. */
  readonly resource: SpanAttributes;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A tracer whose spans go to a collector; its end sends what still waits. */
export function openTracer(options: TracerOptions): AsyncDisposable & { readonly tracer: Tracer } {
  const { endpoint, resource, clock, random, logger } = options;
  const exporter = new OtlpExporter({ sink: new HttpSpanSink(new URL(endpoint)), clock, logger, resource });
  const tracer = new Tracer({ clock, random, export: (span) => exporter.add(span) });
  return { tracer, [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose]() };
}
