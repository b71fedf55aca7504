import { type Clock, describeError, isSkerryError, type Logger, type Random, sleep } from "@skerry/base";
import type { DeviceDescription, PropertyDescription } from "../device-description.ts";
import type { Driver, DriverContext, DriverSession, PropertyAccess } from "../driver.ts";
import { DriverCalls } from "../driver-calls.ts";
import type { PropertyType } from "../property-value.ts";
import { ValueRules } from "../value-rules.ts";
import type { CheckName, CheckResult } from "./check.ts";
import { otherValue, sameValue } from "./other-value.ts";

export interface ConformancePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Kinds of what is open in this process, one entry each: timers, sockets, files. */
  readonly openResources: () => readonly string[];
  /** What was thrown outside of the calls so far. */
  readonly strayErrors: () => readonly unknown[];
}

export interface ConformanceOptions {
  /** How long a call may take. */
  readonly callTimeoutMs: number;
  /** Whether properties may be written; their values are put back. */
  readonly writes: boolean;
  /** Tells what is looked at now, so that somebody who watches can say where it got stuck. */
  readonly onCheck: (check: CheckName, property?: string) => void;
}

/** A call that was given up has so long to end. */
const ABORT_LIMIT_MS = 3_000;
/** What was written may take so long to be seen. */
const READ_BACK_LIMIT_MS = 2_000;
const SUBSCRIBE_MS = 2_000;
/** Changes a second that a property may tell. */
const FLOOD_PER_SECOND = 200;
const REOPEN_COUNT = 3;
/** Sockets and files may take so long to be closed. */
const LEAK_SETTLE_MS = 3_000;
const STEP_MS = 50;

interface Subject {
  readonly property: PropertyDescription;
  readonly access: PropertyAccess;
  readonly rules: ValueRules;
}

/** Tries a driver at one device and tells what it finds. Each thing is a named check: `check.ts`. */
export class ConformanceRun {
  readonly #driver: Driver;
  readonly #device: DeviceDescription;
  readonly #ports: ConformancePorts;
  readonly #options: ConformanceOptions;

  constructor(driver: Driver, device: DeviceDescription, ports: ConformancePorts, options: ConformanceOptions) {
    this.#driver = driver;
    this.#device = device;
    this.#ports = ports;
    this.#options = options;
  }

  async *run(): AsyncGenerator<CheckResult> {
    const initially = this.#ports.openResources();
    const session = await this.#try("opens", undefined, () => this.#open());
    yield session.result;
    if (session.value === undefined) return;
    for (const property of this.#device.properties) yield* this.#property(session.value, property);
    const opened = session.value;
    yield (await this.#try("closes", undefined, () => this.#calls().close(() => opened.close()))).result;
    yield* this.#reopen(initially);
    const stray = this.#ports.strayErrors();
    yield stray.length === 0
      ? { check: "no-stray-errors", outcome: "passed" }
      : { check: "no-stray-errors", outcome: "failed", reason: stray.slice(0, 3).map(describeError).join("; ") };
  }

  async *#property(session: DriverSession, property: PropertyDescription): AsyncGenerator<CheckResult> {
    const { name, type, config, range } = property;
    const subject = await this.#try("config-fits", name, async (): Promise<Subject> => {
      const rules = new ValueRules(type, config, range, this.#driver.propertyMembers);
      return { property, access: session.property({ name, type, config }), rules };
    });
    yield subject.result;
    if (subject.value === undefined) return;
    const { access, rules } = subject.value;
    const raw = await this.#try("read-answers", name, () => this.#calls().call("read", (call) => access.read(call)));
    const hangs = isSkerryError(raw.error, "DRIVER_HANGS");
    yield hangs ? { ...raw.result, check: "read-ends" } : { check: "read-ends", property: name, outcome: "passed" };
    if (hangs) return;
    yield raw.result;
    if (raw.result.outcome === "passed") {
      if (raw.value === null || raw.value === undefined)
        yield { check: "value-fits-type", property: name, outcome: "not-checked", reason: "it has no value now" };
      else yield (await this.#try("value-fits-type", name, async () => rules.toText(raw.value))).result;
    }
    yield await this.#heedsAbort(name, (call) => access.read(call));
    yield await this.#writeReadBack(subject.value);
    yield* this.#subscribe(subject.value);
  }

  async #heedsAbort(property: string, work: (context: DriverContext) => Promise<unknown>): Promise<CheckResult> {
    const check = "heeds-abort";
    this.#options.onCheck(check, property);
    const { clock } = this.#ports;
    const stop = new AbortController();
    const settled = Promise.resolve()
      .then(() => work(this.#calls().context(stop.signal)))
      .then(
        () => true,
        () => true,
      );
    await sleep(clock, 0); // The call is under way.
    stop.abort(new Error("the conformance kit gives the call up"));
    const waiting = new AbortController();
    const limit = sleep(clock, ABORT_LIMIT_MS, waiting.signal).then(
      () => false,
      () => false,
    );
    const hasEnded = await Promise.race([settled, limit]);
    waiting.abort();
    if (hasEnded) return { check, property, outcome: "passed" };
    return {
      check,
      property,
      outcome: "failed",
      reason: `read went on for ${ABORT_LIMIT_MS / 1_000} s after its signal was aborted: hand context.signal on to what it waits for`,
    };
  }

  async #writeReadBack({ property, access, rules }: Subject): Promise<CheckResult> {
    const { name, type } = property;
    const check = "write-read-back";
    const left = (reason: string): CheckResult => ({ check, property: name, outcome: "not-checked", reason });
    if (!property.writable) return left("its model says that it is read-only");
    if (!access.write) return left("the driver cannot write");
    if (!this.#options.writes) return left("nothing was to be written");
    const tried = await this.#try(check, name, async () => {
      const before = await this.#readText(access, rules);
      const other = otherValue(type, before, property.range);
      if (other === undefined) return "no other value of its type can be made up";
      await this.#writeAndExpect(access, rules, type, other);
      if (before === undefined) return undefined;
      // What was there before the test is there after it, unless it may not be written.
      await this.#writeAndExpect(access, rules, type, before).catch((error: unknown) => {
        if (!isSkerryError(error, "DRIVER_VALUE_OUT_OF_RANGE")) throw error;
      });
      return undefined;
    });
    return tried.value === undefined ? tried.result : left(tried.value);
  }

  async #writeAndExpect(access: PropertyAccess, rules: ValueRules, type: PropertyType, text: string): Promise<void> {
    const { clock } = this.#ports;
    await this.#calls().call("write", async (call) => await access.write?.(rules.fromText(text), call));
    const untilMs = clock.monotonicMs() + READ_BACK_LIMIT_MS;
    for (;;) {
      const seen = await this.#readText(access, rules);
      if (seen !== undefined && sameValue(type, text, seen)) return;
      if (clock.monotonicMs() >= untilMs) throw new Error(`${text} was written, ${seen ?? "nothing"} is read`);
      await sleep(clock, STEP_MS);
    }
  }

  async #readText(access: PropertyAccess, rules: ValueRules): Promise<string | undefined> {
    return rules.toText(await this.#calls().call("read", (call) => access.read(call)));
  }

  async *#subscribe({ property: { name }, access: { subscribe } }: Subject): AsyncGenerator<CheckResult> {
    if (!subscribe) return;
    const { clock } = this.#ports;
    const stop = new AbortController();
    let count = 0;
    const emit = (): void => void count++;
    const begun = await this.#try("subscribe-quiet", name, () =>
      this.#calls().call("subscribe", () => subscribe(emit, this.#calls().context(stop.signal))),
    );
    if (begun.error !== undefined) return yield begun.result;
    await sleep(clock, SUBSCRIBE_MS);
    const perSecond = count / (SUBSCRIBE_MS / 1_000);
    yield perSecond <= FLOOD_PER_SECOND
      ? begun.result
      : { ...begun.result, outcome: "failed", reason: `it told ${Math.round(perSecond)} changes a second` };
    stop.abort(new Error("the conformance kit ends the subscription"));
    this.#options.onCheck("subscribe-ends", name);
    await sleep(clock, STEP_MS);
    count = 0;
    await sleep(clock, SUBSCRIBE_MS / 2);
    const ended = { check: "subscribe-ends", property: name } as const;
    yield count === 0
      ? { ...ended, outcome: "passed" }
      : { ...ended, outcome: "failed", reason: `${count} changes were told after its signal was aborted` };
  }

  /** What grows with each time that the device is opened and closed is a leak; what stays the same is the driver's own. */
  async *#reopen(initially: readonly string[]): AsyncGenerator<CheckResult> {
    const before = await this.#settledResources(initially);
    const again = await this.#try("reopens", undefined, async () => {
      for (let count = 0; count < REOPEN_COUNT; count++) {
        const session = await this.#open();
        for (const { name, type, config } of this.#device.properties)
          await this.#calls()
            .call("read", (call) => session.property({ name, type, config }).read(call))
            .catch(() => undefined); // Has its own check.
        await this.#calls()
          .close(() => session.close())
          .catch(() => undefined);
      }
    });
    yield again.result;
    if (again.error !== undefined) return;
    this.#options.onCheck("leaks-nothing");
    const after = await this.#settledResources(before);
    const grown = growth(before, after);
    yield grown.length === 0
      ? { check: "leaks-nothing", outcome: "passed" }
      : {
          check: "leaks-nothing",
          outcome: "failed",
          reason: `after ${REOPEN_COUNT} more times of open and close these are left: ${grown.join(", ")}`,
        };
  }

  /** What is open once it is no more than before, or does not become less any more. */
  async #settledResources(before: readonly string[]): Promise<readonly string[]> {
    const { clock, openResources } = this.#ports;
    const untilMs = clock.monotonicMs() + LEAK_SETTLE_MS;
    for (;;) {
      // The kit's own timer is not among them: nothing waits while they are counted.
      const now = openResources();
      if (growth(before, now).length === 0 || clock.monotonicMs() >= untilMs) return now;
      await sleep(clock, STEP_MS);
    }
  }

  #open(): Promise<DriverSession> {
    return this.#calls().call("open", (context) => this.#driver.open(this.#device.config, context));
  }

  /** Each call has its own, so that one that hangs does not count against the next. */
  #calls(): DriverCalls {
    return new DriverCalls(this.#device.id, this.#options.callTimeoutMs, this.#ports);
  }

  async #try<T>(
    check: CheckName,
    property: string | undefined,
    work: () => Promise<T>,
  ): Promise<{ readonly result: CheckResult; readonly value?: T; readonly error?: unknown }> {
    this.#options.onCheck(check, property);
    const about = property === undefined ? { check } : { check, property };
    try {
      return { result: { ...about, outcome: "passed" }, value: await work() };
    } catch (error) {
      return { result: { ...about, outcome: "failed", reason: describeError(error) }, error };
    }
  }
}

/** `2 × Timeout` for each kind of which there are more now. */
function growth(before: readonly string[], after: readonly string[]): string[] {
  const count = (list: readonly string[], kind: string): number => list.filter((other) => other === kind).length;
  return [...new Set(after)].flatMap((kind) => {
    const more = count(after, kind) - count(before, kind);
    return more > 0 ? [`${more} × ${kind}`] : [];
  });
}
