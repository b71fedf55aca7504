import { type Clock, describeError, isSkerryError, type Logger, type Random, RetrySchedule } from "@skerry/base";
import type { PropertyDescription } from "./device-description.ts";
import type { DriverContext, PropertyAccess } from "./driver.ts";
import { notWritable } from "./errors.ts";
import type { DriverValue } from "./property-value.ts";
import type { ValueRules } from "./value-rules.ts";

/** First readings are spread over so long, so that many devices do not begin at the same moment. */
const FIRST_READING_SPREAD_MS = 1_000;
/** However small its changes, a property with a dead band is reported so often, so that a value that is old shows it. */
const LONGEST_SILENCE_MS = 5 * 60_000;
const writePolicy = { initialMs: 1_000, maximumMs: 60_000 };

/** What has been read of a property last. */
export interface Reading {
  readonly text: string;
  /** Wall clock. */
  readonly timestampMs: number;
}

export interface PropertyWorkParts {
  readonly deviceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Calls the driver, contained. */
  readonly call: <T>(name: string, work: (context: DriverContext) => Promise<T>) => Promise<T>;
  /** Takes what has been read. */
  readonly onValue: (property: PropertyDescription, reading: Reading) => void;
}

/** One property of an opened device, and what is to be done with it. */
export class PropertyWork {
  readonly property: PropertyDescription;
  readonly #access: PropertyAccess;
  readonly #rules: ValueRules;
  readonly #parts: PropertyWorkParts;
  readonly #writeRetry: RetrySchedule;
  /** The desired value that was last written, or found not to be writable. */
  #settledDesired: string | undefined;
  #nextWriteMs = 0;
  #nextReadMs: number;
  #failing = false;
  #lastPassedOn: { readonly text: string; readonly atMs: number } | undefined;

  constructor(property: PropertyDescription, access: PropertyAccess, rules: ValueRules, parts: PropertyWorkParts) {
    this.property = property;
    this.#access = access;
    this.#rules = rules;
    this.#parts = parts;
    this.#writeRetry = new RetrySchedule(writePolicy, parts.random);
    const spreadMs = Math.min(property.collectCycleMs, FIRST_READING_SPREAD_MS);
    this.#nextReadMs = this.isCollected
      ? parts.clock.monotonicMs() + Math.floor(parts.random.float() * spreadMs)
      : Infinity;
  }

  /** Whether anybody wants its values. */
  get isCollected(): boolean {
    return this.property.reported || this.property.pushTargets.length > 0;
  }

  /** When it is to be read next; Infinity: never. */
  get readDueMs(): number {
    return this.#nextReadMs;
  }

  /** When it is to be written; Infinity when there is nothing to write. */
  writeDueMs(wanted: string | undefined): number {
    return wanted === undefined || wanted === this.#settledDesired ? Infinity : this.#nextWriteMs;
  }

  /** Reads it once, and sees to it that it is read again. @throws what the driver throws, `DRIVER_VALUE_…` */
  async read(): Promise<Reading | undefined> {
    // A reading that took longer than its cycle is not caught up with.
    if (this.isCollected)
      this.#nextReadMs = Math.max(this.#nextReadMs + this.property.collectCycleMs, this.#parts.clock.monotonicMs());
    return this.#take(await this.#parts.call("read", (context) => this.#access.read(context)));
  }

  /** Writes what is wanted; a failure is repeated later. @throws what the driver throws, `DRIVER_VALUE_…` */
  async writeWanted(wanted: string): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#parts.logger.warn(describeError(notWritable(this.property.name, refusal)), {
        device: this.#parts.deviceId,
      });
      this.#settledDesired = wanted;
      return;
    }
    this.#nextWriteMs = this.#parts.clock.monotonicMs() + this.#writeRetry.nextDelayMs();
    await this.write(wanted);
    this.#settledDesired = wanted;
    this.#nextWriteMs = 0;
    this.#writeRetry.reset();
  }

  /** Writes a value once, by the driver's method of that name if it has one. @throws `DRIVER_NOT_WRITABLE`, and as above */
  async write(text: string, method?: string): Promise<void> {
    const run = method === undefined ? undefined : this.#access.methods?.get(method);
    const refusal = run ? undefined : this.#refusal();
    if (refusal !== undefined) throw notWritable(this.property.name, refusal);
    const value = this.#rules.fromText(text);
    await this.#parts.call(method ?? "write", async (context) => await (run ?? this.#access.write)?.(value, context));
    if (this.isCollected) this.#nextReadMs = this.#parts.clock.monotonicMs(); // What has become of it.
  }

  /** Lets the device tell changes by itself until the signal is aborted. @throws what the driver throws */
  async subscribe(context: DriverContext): Promise<void> {
    const { subscribe } = this.#access;
    if (!subscribe || !this.isCollected) return;
    const emit = (value: DriverValue): void => {
      if (context.signal.aborted) return;
      try {
        this.#take(value);
      } catch (error) {
        this.failed("subscribe", error);
      }
    };
    await this.#parts.call("subscribe", () => subscribe(emit, context));
  }

  /** Tells in the log that it does not work, once until it works again. */
  failed(call: string, error: unknown): void {
    if (!this.#failing)
      this.#parts.logger.warn("A property does not work", {
        device: this.#parts.deviceId,
        property: this.property.name,
        call,
        reason: describeError(error),
      });
    this.#failing = true;
  }

  worked(): void {
    this.#failing = false;
  }

  #refusal(): string | undefined {
    if (!this.property.writable) return "its model says that it is read-only";
    return this.#access.write ? undefined : "its driver cannot write";
  }

  #take(raw: DriverValue): Reading | undefined {
    const text = this.#rules.toText(raw);
    if (text === undefined) return undefined;
    const { clock, onValue } = this.#parts;
    const reading = { text, timestampMs: clock.now() };
    const atMs = clock.monotonicMs();
    const last = this.#lastPassedOn;
    if (last !== undefined && atMs - last.atMs < LONGEST_SILENCE_MS && !this.#rules.isNews(text, last.text))
      return reading;
    this.#lastPassedOn = { text, atMs };
    onValue(this.property, reading);
    return reading;
  }
}

/** Whether an error is about a value, which speaks for a mistake in a Device or driver and not for a device that is gone. */
export function isAboutValue(error: unknown): boolean {
  return isSkerryError(error, "DRIVER_VALUE_UNFIT") || isSkerryError(error, "DRIVER_VALUE_OUT_OF_RANGE");
}
