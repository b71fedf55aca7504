import { describeError, isSkerryError, RetrySchedule } from "@skerry/base";
import type { DeviceDescription, PropertyDescription } from "./device-description.ts";
import { DeviceReporter, type DeviceReporterPorts } from "./device-reporter.ts";
import type { Driver, DriverSession, PropertyAccess } from "./driver.ts";
import { DriverCalls } from "./driver-calls.ts";
import { notWritable } from "./errors.ts";
import { type DriverValue, fromText, toText } from "./property-value.ts";
import { WakeUp } from "./wake-up.ts";

/** So many failures in a row mean that the device is gone, not a single property. */
const FAILURES_UNTIL_OFFLINE = 3;
/** First readings are spread over so long, so that many devices do not begin at the same moment. */
const FIRST_READING_SPREAD_MS = 1_000;
const openPolicy = { initialMs: 1_000, maximumMs: 60_000 };
const writePolicy = { initialMs: 1_000, maximumMs: 60_000 };

/** One property of the opened device, and what is to be done with it. */
interface Work {
  readonly property: PropertyDescription;
  readonly access: PropertyAccess;
  readonly writeRetry: RetrySchedule;
  /** The desired value that was last written, or found not to be writable. */
  settledDesired: string | undefined;
  nextWriteMs: number;
  /** Infinity: never. */
  nextReadMs: number;
  failing: boolean;
}

/**
 * Drives one device: opens it, writes what is wanted, reads each property in its cycle, and says whether it is there.
 * A failure is its own: it is retried here and reaches no other device.
 */
export class DeviceWorker implements AsyncDisposable {
  readonly device: DeviceDescription;
  readonly #driver: Driver;
  readonly #ports: DeviceReporterPorts;
  readonly #calls: DriverCalls;
  readonly #reporter: DeviceReporter;
  readonly #retry: RetrySchedule;
  readonly #wakeUp: WakeUp;
  #wanted: ReadonlyMap<string, string>;
  #offlineReason: string | undefined;
  #failures = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(
    device: DeviceDescription,
    wanted: ReadonlyMap<string, string>,
    parts: { readonly driver: Driver; readonly ports: DeviceReporterPorts; readonly callTimeoutMs: number },
  ) {
    this.device = device;
    this.#wanted = wanted;
    this.#driver = parts.driver;
    this.#ports = parts.ports;
    const { clock, random, logger } = parts.ports;
    this.#calls = new DriverCalls(device.id, parts.callTimeoutMs, { clock, random, logger });
    this.#reporter = new DeviceReporter(device, parts.ports);
    this.#retry = new RetrySchedule(openPolicy, random);
    this.#wakeUp = new WakeUp(clock);
    this.#running = this.#run();
  }

  /** Why the device is offline; undefined while it is online or not opened yet. */
  get offlineReason(): string | undefined {
    return this.#offlineReason;
  }

  /** What is wanted of the device from now on. */
  setWanted(wanted: ReadonlyMap<string, string>): void {
    this.#wanted = wanted;
    this.#wakeUp.wake();
  }

  /** EdgeCore has just learned of this mapper (again). */
  repeatState(): void {
    this.#reporter.repeatState();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#calls.stop();
    this.#wakeUp.wake();
    await this.#running;
    await this.#reporter[Symbol.asyncDispose]();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const session = await this.#calls.call("open", (context) => this.#driver.open(this.device.config, context));
        try {
          await this.#drive(session);
        } finally {
          await this.#calls.close(() => session.close()).catch((error: unknown) => this.#closeFailed(error));
        }
      } catch (error) {
        this.#offline(error);
      }
      if (!this.#stopped) await this.#pause();
    }
  }

  async #drive(session: DriverSession): Promise<void> {
    const { clock, random } = this.#ports;
    using stack = new DisposableStack();
    const subscriptions = new AbortController();
    stack.defer(() => subscriptions.abort());
    this.#failures = 0;
    const works = this.device.properties.map((property): Work => {
      const spreadMs = Math.min(property.collectCycleMs, FIRST_READING_SPREAD_MS);
      return {
        property,
        access: session.property(property),
        writeRetry: new RetrySchedule(writePolicy, random),
        settledDesired: undefined,
        nextWriteMs: 0,
        nextReadMs: property.reported ? clock.monotonicMs() + Math.floor(random.float() * spreadMs) : Infinity,
        failing: false,
      };
    });
    if (!works.some(({ property }) => property.reported)) this.#online();
    for (const work of works) await this.#subscribe(work, subscriptions.signal);
    while (!this.#stopped) {
      const nowMs = clock.monotonicMs();
      const write = works.find((work) => this.#writeDueMs(work) <= nowMs);
      const read = works.find(({ nextReadMs }) => nextReadMs <= nowMs);
      if (write) await this.#write(write);
      else if (read) await this.#read(read);
      else {
        const nextMs = Math.min(...works.flatMap((work) => [this.#writeDueMs(work), work.nextReadMs]));
        await this.#wakeUp.wait(Number.isFinite(nextMs) ? nextMs - nowMs : undefined);
      }
    }
  }

  /** Infinity when there is nothing to write. */
  #writeDueMs({ property, settledDesired, nextWriteMs }: Work): number {
    const wanted = this.#wanted.get(property.name);
    return wanted === undefined || wanted === settledDesired ? Infinity : nextWriteMs;
  }

  async #read(work: Work): Promise<void> {
    const { clock } = this.#ports;
    const { property, access } = work;
    // A reading that took longer than its cycle is not caught up with.
    work.nextReadMs = Math.max(work.nextReadMs + property.collectCycleMs, clock.monotonicMs());
    await this.#attempt(work, "read", async () => {
      this.#take(property, await this.#calls.call("read", (context) => access.read(context)));
    });
  }

  async #write(work: Work): Promise<void> {
    const { property, access, writeRetry } = work;
    const { clock, logger } = this.#ports;
    const wanted = this.#wanted.get(property.name) ?? "";
    const { write } = access;
    if (!property.writable || !write) {
      const why = property.writable ? "its driver cannot write" : "its model says that it is read-only";
      logger.warn(describeError(notWritable(property.name, why)), { device: this.device.id });
      work.settledDesired = wanted;
      return;
    }
    work.nextWriteMs = clock.monotonicMs() + writeRetry.nextDelayMs();
    await this.#attempt(work, "write", async () => {
      const value = fromText(property.type, wanted);
      await this.#calls.call("write", (context) => write(value, context));
      work.settledDesired = wanted;
      work.nextWriteMs = 0;
      writeRetry.reset();
      if (property.reported) work.nextReadMs = clock.monotonicMs(); // What has become of it.
    });
  }

  async #subscribe(work: Work, signal: AbortSignal): Promise<void> {
    const { subscribe } = work.access;
    if (!subscribe || !work.property.reported) return;
    const emit = (value: DriverValue): void => {
      if (signal.aborted) return;
      try {
        this.#take(work.property, value);
      } catch (error) {
        this.#propertyFails(work, "subscribe", error);
      }
    };
    await this.#attempt(work, "subscribe", () =>
      this.#calls.call("subscribe", () => subscribe(emit, this.#calls.context(signal))),
    );
  }

  /** @throws `DRIVER_VALUE_UNFIT` */
  #take(property: PropertyDescription, value: DriverValue): void {
    const text = toText(property.type, value);
    if (text !== undefined) this.#reporter.value(property, text);
  }

  /** A failure of one property leaves the others alone; what speaks for a device that is gone is thrown. */
  async #attempt(work: Work, name: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      // A value of the wrong type speaks for a mistake, not for a device that is gone.
      if (isSkerryError(error, "DRIVER_VALUE_UNFIT")) return this.#propertyFails(work, name, error);
      this.#failures++;
      if (isSkerryError(error, "DRIVER_HANGS") || this.#failures >= FAILURES_UNTIL_OFFLINE) throw error;
      this.#propertyFails(work, name, error);
      return;
    }
    work.failing = false;
    this.#failures = 0;
    this.#online();
  }

  #propertyFails(work: Work, name: string, error: unknown): void {
    if (!work.failing)
      this.#ports.logger.warn("A property does not work", {
        device: this.device.id,
        property: work.property.name,
        call: name,
        reason: describeError(error),
      });
    work.failing = true;
  }

  #online(): void {
    this.#retry.reset();
    if (this.#offlineReason !== undefined)
      this.#ports.logger.info("A device is there again", { device: this.device.id });
    this.#offlineReason = undefined;
    this.#reporter.state("online");
  }

  #offline(error: unknown): void {
    if (this.#stopped) return;
    const reason = describeError(error);
    if (reason !== this.#offlineReason)
      this.#ports.logger.warn("A device is offline; it is tried again", { device: this.device.id, reason });
    this.#offlineReason = reason;
    this.#reporter.state("offline");
  }

  #closeFailed(error: unknown): void {
    this.#ports.logger.debug("A device could not be closed", { device: this.device.id, reason: describeError(error) });
  }

  /** A new desired value does not hasten the next try. */
  async #pause(): Promise<void> {
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + this.#retry.nextDelayMs();
    while (!this.#stopped && clock.monotonicMs() < untilMs) await this.#wakeUp.wait(untilMs - clock.monotonicMs());
  }
}
