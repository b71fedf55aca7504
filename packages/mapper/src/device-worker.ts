import { aborted, BoundedQueue, describeError, isSkerryError, RetrySchedule } from "@skerry/base";
import type { DeviceDescription } from "./device-description.ts";
import { DeviceReporter, type DeviceReporterPorts } from "./device-reporter.ts";
import type { Driver, DriverSession } from "./driver.ts";
import { DriverCalls } from "./driver-calls.ts";
import { deviceBusy, deviceOffline, propertyInvalid, propertyUnknown } from "./errors.ts";
import { isAboutValue, PropertyWork, type Reading } from "./property-work.ts";
import { PushLane, type PushLanePorts } from "./push-lane.ts";
import { ValueRules } from "./value-rules.ts";
import { WakeUp } from "./wake-up.ts";

/** So many failures in a row mean that the device is gone, not a single property. */
const FAILURES_UNTIL_OFFLINE = 3;
/** Calls from outside that may wait for one device. */
const MAXIMUM_REQUESTS = 16;
const openPolicy = { initialMs: 1_000, maximumMs: 60_000 };

export type DeviceWorkerPorts = DeviceReporterPorts & PushLanePorts;

/** Something that somebody outside wants of the device now; it settles by itself. */
interface Request {
  run(works: readonly PropertyWork[]): Promise<void>;
  refuse(error: Error): void;
}

/**
 * Drives one device: opens it, writes what is wanted, reads each property in its cycle, and says whether it is there.
 * A failure is its own: it is retried here and reaches no other device.
 */
export class DeviceWorker implements AsyncDisposable {
  readonly device: DeviceDescription;
  readonly #driver: Driver;
  readonly #ports: DeviceWorkerPorts;
  readonly #calls: DriverCalls;
  readonly #reporter: DeviceReporter;
  readonly #lanes: ReadonlyMap<string, readonly PushLane[]>;
  readonly #retry: RetrySchedule;
  readonly #wakeUp: WakeUp;
  readonly #requests = new BoundedQueue<Request>(MAXIMUM_REQUESTS, "reject-newest");
  #wanted: ReadonlyMap<string, string>;
  /** Values to be written once, by property; gone from here before the driver is called. */
  readonly #once = new Map<string, string>();
  #isOpen = false;
  #offlineReason: string | undefined;
  #failures = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(
    device: DeviceDescription,
    wanted: ReadonlyMap<string, string>,
    parts: { readonly driver: Driver; readonly ports: DeviceWorkerPorts; readonly callTimeoutMs: number },
  ) {
    const { driver, ports, callTimeoutMs } = parts;
    this.device = device;
    this.#wanted = wanted;
    this.#driver = driver;
    this.#ports = ports;
    const { clock, random, logger } = ports;
    this.#calls = new DriverCalls(device.id, callTimeoutMs, { clock, random, logger });
    this.#reporter = new DeviceReporter(device, ports, (property) => this.#wanted.get(property));
    this.#lanes = new Map(
      device.properties.map((property) => [
        property.name,
        property.pushTargets.map((target) => new PushLane(device, property, target, ports)),
      ]),
    );
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

  /** Values that are each written once as soon as the device is open, and not again when that fails. */
  writeOnce(values: ReadonlyMap<string, string>): void {
    for (const [property, value] of values) this.#once.set(property, value);
    this.#wakeUp.wake();
  }

  /** EdgeCore has just learned of this mapper (again). */
  repeatState(): void {
    this.#reporter.repeatState();
  }

  /**
   * Reads a property now; undefined when it has no value.
   * @throws `MAPPER_PROPERTY_UNKNOWN`, `MAPPER_DEVICE_OFFLINE`, `MAPPER_DEVICE_BUSY`, or what the driver throws
   */
  read(property: string): Promise<Reading | undefined> {
    return this.#request(property, (work) => work.read());
  }

  /** Writes a property now, once. @throws as `read`, `DRIVER_NOT_WRITABLE`, `DRIVER_VALUE_…` */
  write(property: string, text: string, method?: string): Promise<void> {
    return this.#request(property, (work) => work.write(text, method));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#calls.stop();
    this.#wakeUp.wake();
    await this.#running;
    await Promise.all([...this.#lanes.values()].flat().map((lane) => lane[Symbol.asyncDispose]()));
    await this.#reporter[Symbol.asyncDispose]();
  }

  async #request<T>(property: string, work: (found: PropertyWork) => Promise<T>): Promise<T> {
    if (!this.device.properties.some(({ name }) => name === property)) throw propertyUnknown(this.device.id, property);
    if (!this.#isOpen) throw deviceOffline(this.device.id, this.#offlineReason ?? "it is not opened yet");
    const answer = Promise.withResolvers<T>();
    const isQueued = this.#requests.push({
      run: async (works) => {
        const found = works.find((candidate) => candidate.property.name === property);
        // Its configuration is wrong, or it would be there.
        if (found === undefined) return answer.reject(propertyInvalid(property, "it does not fit the driver"));
        await this.#attempt(found, "request", async () => {
          try {
            answer.resolve(await work(found));
          } catch (error) {
            answer.reject(error);
            throw error;
          }
        });
      },
      refuse: answer.reject,
    });
    if (!isQueued) throw deviceBusy(this.device.id, MAXIMUM_REQUESTS);
    this.#wakeUp.wake();
    return await answer.promise;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const session = await this.#calls.call("open", (context) => this.#driver.open(this.device.config, context));
        try {
          await this.#drive(session);
        } finally {
          this.#isOpen = false;
          await this.#calls.close(() => session.close()).catch((error: unknown) => this.#closeFailed(error));
        }
      } catch (error) {
        this.#offline(error);
      }
      this.#refuseRequests();
      if (!this.#stopped) await this.#pause();
    }
  }

  async #drive(session: DriverSession): Promise<void> {
    const { clock } = this.#ports;
    using stack = new DisposableStack();
    const subscriptions = new AbortController();
    stack.defer(() => subscriptions.abort());
    this.#failures = 0;
    const works = this.#worksOf(session);
    if (!works.some(({ isCollected }) => isCollected)) this.#online();
    for (const work of works)
      await this.#attempt(work, "subscribe", () => work.subscribe(this.#calls.context(subscriptions.signal)), false);
    this.#isOpen = true;
    while (!this.#stopped) {
      const nowMs = clock.monotonicMs();
      const request = this.#requests.shift();
      const once = works.find(({ property }) => this.#once.has(property.name));
      const write = works.find((work) => this.#writeDueMs(work) <= nowMs);
      const read = works.find(({ readDueMs }) => readDueMs <= nowMs);
      if (request) await request.run(works);
      else if (once) await this.#attempt(once, "write", () => once.write(this.#takeOnce(once.property.name)));
      else if (write)
        await this.#attempt(write, "write", () => write.writeWanted(this.#wanted.get(write.property.name) ?? ""));
      else if (read) await this.#attempt(read, "read", () => read.read());
      else {
        const nextMs = Math.min(...works.flatMap((work) => [this.#writeDueMs(work), work.readDueMs]));
        await this.#wakeUp.wait(Number.isFinite(nextMs) ? nextMs - nowMs : undefined);
      }
    }
  }

  /**
   * What is to be done with each property. One whose configuration does not fit is told and left out.
   * @throws `MAPPER_PROPERTY_INVALID` when none fits
   */
  #worksOf(session: DriverSession): PropertyWork[] {
    const { clock, random, logger } = this.#ports;
    const works: PropertyWork[] = [];
    let firstError: Error | undefined;
    for (const property of this.device.properties)
      try {
        const { name, type, config, range } = property;
        const rules = new ValueRules(type, config, range, this.#driver.propertyMembers);
        const access = session.property({ name, type, config });
        const call: DriverCalls["call"] = (name, work) => this.#calls.call(name, work);
        const onValue = (_property: unknown, reading: Reading): void => {
          if (property.reported) this.#reporter.value(property, reading);
          for (const lane of this.#lanes.get(name) ?? []) lane.value(reading);
        };
        const parts = { deviceId: this.device.id, clock, random, logger, call, onValue };
        works.push(new PropertyWork(property, access, rules, parts));
      } catch (error) {
        const invalid = propertyInvalid(property.name, describeError(error));
        firstError ??= invalid;
        logger.warn(invalid.message, { device: this.device.id, code: invalid.code });
      }
    if (works.length === 0 && firstError) throw firstError;
    return works;
  }

  #takeOnce(property: string): string {
    const value = this.#once.get(property) ?? "";
    this.#once.delete(property);
    return value;
  }

  #writeDueMs(work: PropertyWork): number {
    return work.writeDueMs(this.#wanted.get(work.property.name));
  }

  /** A failure of one property leaves the others alone; what speaks for a device that is gone is thrown. */
  async #attempt(work: PropertyWork, name: string, action: () => Promise<unknown>, provesLife = true): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (isAboutValue(error) || isSkerryError(error, "DRIVER_NOT_WRITABLE")) return work.failed(name, error);
      this.#failures++;
      if (isSkerryError(error, "DRIVER_HANGS") || this.#failures >= FAILURES_UNTIL_OFFLINE) throw error;
      return work.failed(name, error);
    }
    if (!provesLife) return;
    work.worked();
    this.#failures = 0;
    this.#online();
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

  #refuseRequests(): void {
    for (let request = this.#requests.shift(); request !== undefined; request = this.#requests.shift())
      request.refuse(this.#stopped ? aborted() : deviceOffline(this.device.id, this.#offlineReason ?? ""));
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
