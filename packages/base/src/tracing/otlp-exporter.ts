import type { Clock, Timer } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { Logger } from "../logger.ts";
import type { FinishedSpan, SpanAttributes, SpanKind } from "./tracer.ts";

/** Hands one OTLP/HTTP JSON body to a collector; rejects when it was not taken. */
export interface SpanSink {
  post(body: string): Promise<void>;
}

export interface OtlpExporterOptions {
  readonly sink: SpanSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the spans are of: `service.name` and others. */
  readonly resource: SpanAttributes;
}

/** Spans that wait; beyond it the oldest go, and are counted. */
const MAX_WAITING = 2_048;
/** Spans of one request. */
const BATCH = 256;
const INTERVAL_MS = 2_000;
const LONGEST_INTERVAL_MS = 60_000;
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, client: 3, producer: 4, consumer: 5 };

/** Sends finished spans to an OpenTelemetry collector, in batches; while it is away they wait, within a limit. */
export class OtlpExporter implements AsyncDisposable {
  readonly #options: OtlpExporterOptions;
  #waiting: FinishedSpan[] = [];
  #droppedCount = 0;
  #intervalMs = INTERVAL_MS;
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  /** Spans lost to the limit. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  add(span: FinishedSpan): void {
    if (this.#stopped) return;
    this.#waiting.push(span);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#droppedCount++;
    }
    this.#schedule();
  }

  /** Tries once more to send what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#sending;
    await this.#send();
  }

  #schedule(): void {
    if (this.#timer || this.#sending || this.#stopped) return;
    this.#timer = this.#options.clock.setTimer(this.#intervalMs, () => {
      this.#timer = undefined;
      this.#sending = this.#send().finally(() => {
        this.#sending = undefined;
        if (this.#waiting.length > 0) this.#schedule();
      });
    });
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#options.sink.post(JSON.stringify(otlpRequest(this.#options.resource, batch)));
        this.#intervalMs = INTERVAL_MS;
      } catch (error) {
        this.#putBack(batch);
        if (this.#intervalMs === INTERVAL_MS)
          this.#options.logger.warn("Traces cannot be sent to the collector; it is tried again", {
            error: describeError(error),
          });
        this.#intervalMs = Math.min(LONGEST_INTERVAL_MS, 2 * this.#intervalMs);
        return;
      }
    }
  }

  #putBack(batch: readonly FinishedSpan[]): void {
    const all = [...batch, ...this.#waiting];
    const tooMany = Math.max(0, all.length - MAX_WAITING);
    this.#droppedCount += tooMany;
    this.#waiting = all.slice(tooMany);
  }
}

/** The body of an OTLP/HTTP request in JSON (opentelemetry-proto, `ExportTraceServiceRequest`). */
function otlpRequest(resource: SpanAttributes, spans: readonly FinishedSpan[]): JsonObject {
  return {
    resourceSpans: [
      {
        resource: { attributes: otlpAttributes(resource) },
        scopeSpans: [{ scope: { name: "skerry" }, spans: spans.map(otlpSpan) }],
      },
    ],
  };
}

function otlpSpan({
  context,
  parentSpanId,
  name,
  kind,
  startMs,
  endMs,
  attributes,
  failure,
}: FinishedSpan): JsonObject {
  return {
    ...context,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanosOf(startMs),
    endTimeUnixNano: nanosOf(endMs),
    attributes: otlpAttributes(attributes),
    status: failure === undefined ? {} : { code: 2, message: failure },
  };
}

function otlpAttributes(attributes: SpanAttributes): JsonObject[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: string | number | boolean): JsonObject {
  if (typeof value === "string") return { stringValue: value };
  return typeof value === "boolean" ? { boolValue: value } : { doubleValue: value };
}

/** 64-bit numbers are text in protobuf's JSON. */
function nanosOf(timeMs: number): string {
  return String(BigInt(Math.round(timeMs * 1_000)) * 1_000n);
}
