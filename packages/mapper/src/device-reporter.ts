import { type Clock, describeError, isSkerryError, type Logger, type Random, RetrySchedule } from "@skerry/base";
import type { DeviceManager } from "@skerry/dmi";
import type { DeviceDescription, PropertyDescription } from "./device-description.ts";
import type { Reading } from "./property-work.ts";
import { WakeUp } from "./wake-up.ts";

/** A device as EdgeCore knows it; KubeEdge's words (devices.md 8.10). */
export type DeviceState = "online" | "offline";

export interface DeviceReporterPorts {
  readonly manager: DeviceManager;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** EdgeCore does not know the device (any more). */
  readonly onUnknownDevice: () => void;
}

/** What is wanted of a property just now; undefined when nothing is. */
export type WantedOf = (propertyName: string) => string | undefined;

interface PendingValue extends Reading {
  readonly type: string;
  readonly dueMs: number;
}

type Entry = readonly [property: string, value: PendingValue];

const retryPolicy = { initialMs: 1_000, maximumMs: 30_000 };

/**
 * Brings one device's values and state to EdgeCore: of each property the newest value, at most once a report cycle. What
 * could not be reported waits, newest only, so its size is bounded by the number of properties.
 */
export class DeviceReporter implements AsyncDisposable {
  readonly #device: DeviceDescription;
  readonly #ports: DeviceReporterPorts;
  readonly #wantedOf: WantedOf;
  readonly #wakeUp: WakeUp;
  readonly #retry: RetrySchedule;
  readonly #pending = new Map<string, PendingValue>();
  readonly #reportedAtMs = new Map<string, number>();
  readonly #refused = new Set<string>();
  #state: DeviceState | undefined;
  #stateReported = true;
  #replacedCount = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(device: DeviceDescription, ports: DeviceReporterPorts, wantedOf: WantedOf) {
    this.#device = device;
    this.#ports = ports;
    this.#wantedOf = wantedOf;
    this.#wakeUp = new WakeUp(ports.clock);
    this.#retry = new RetrySchedule(retryPolicy, ports.random);
    this.#running = this.#run();
  }

  /** Values that a newer one replaced before they were reported. */
  get replacedCount(): number {
    return this.#replacedCount;
  }

  value(property: PropertyDescription, reading: Reading): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const waiting = this.#pending.get(property.name);
    if (waiting) this.#replacedCount++;
    const dueMs =
      waiting?.dueMs ?? Math.max(nowMs, (this.#reportedAtMs.get(property.name) ?? -Infinity) + property.reportCycleMs);
    this.#pending.set(property.name, { ...reading, type: property.type, dueMs });
    this.#wakeUp.wake();
  }

  state(state: DeviceState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#stateReported = false;
    this.#wakeUp.wake();
  }

  /** Reports the state once more: EdgeCore may not have it. */
  repeatState(): void {
    this.#stateReported = this.#state === undefined;
    this.#wakeUp.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#wakeUp.wake();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#reportDue();
        this.#retry.reset();
      } catch (error) {
        const { logger, clock } = this.#ports;
        const report = { device: this.#device.id, reason: describeError(error) };
        if (this.#retry.attempt === 0) logger.warn("A device's values cannot be reported; they are kept", report);
        if (isSkerryError(error, "DMI_NOT_FOUND")) this.#ports.onUnknownDevice();
        const untilMs = clock.monotonicMs() + this.#retry.nextDelayMs();
        // New values do not hasten the next try.
        while (!this.#stopped && clock.monotonicMs() < untilMs) await this.#wakeUp.wait(untilMs - clock.monotonicMs());
        continue;
      }
      const nextMs = Math.min(...[...this.#pending.values()].map(({ dueMs }) => dueMs));
      if (!this.#stopped)
        await this.#wakeUp.wait(Number.isFinite(nextMs) ? nextMs - this.#ports.clock.monotonicMs() : undefined);
    }
  }

  async #reportDue(): Promise<void> {
    const { manager, clock } = this.#ports;
    const { name, namespace } = this.#device;
    if (!this.#stateReported && this.#state !== undefined) {
      const state = this.#state;
      await manager.reportDeviceStates({ deviceName: name, deviceNamespace: namespace, state });
      if (this.#state === state) this.#stateReported = true;
    }
    const nowMs = clock.monotonicMs();
    const due = [...this.#pending].filter(([, { dueMs }]) => dueMs <= nowMs);
    if (due.length === 0) return;
    for (const [property] of due) {
      this.#pending.delete(property);
      this.#reportedAtMs.set(property, nowMs);
    }
    try {
      await this.#report(due);
    } catch (error) {
      if (!isSkerryError(error, "DMI_REFUSED")) return this.#putBack(due, error);
      await this.#reportEach(due);
    }
  }

  /** One of them is not taken; the others must not suffer. */
  async #reportEach(entries: readonly Entry[]): Promise<void> {
    for (const [index, entry] of entries.entries())
      try {
        await this.#report([entry]);
      } catch (error) {
        if (!isSkerryError(error, "DMI_REFUSED")) return this.#putBack(entries.slice(index), error);
        this.#drop(entry, error);
      }
  }

  /** They wait for the next try, unless newer ones have come meanwhile. */
  #putBack(entries: readonly Entry[], error: unknown): never {
    for (const [property, value] of entries)
      if (this.#pending.has(property)) this.#replacedCount++;
      else this.#pending.set(property, value);
    throw error;
  }

  async #report(entries: readonly Entry[]): Promise<void> {
    const { manager } = this.#ports;
    const { name, namespace } = this.#device;
    const twins = entries.map(([propertyName, { text, type, timestampMs }]) => {
      const metadata = new Map(Object.entries({ timestamp: String(timestampMs), type }));
      // KubeEdge's EdgeCore reads both without looking whether they are there, and ends when one is not.
      const observedDesired = { value: this.#wantedOf(propertyName) ?? "", metadata };
      return { propertyName, observedDesired, reported: { value: text, metadata } };
    });
    const reportedDevice = { twins, reportToCloud: true, reportCycle: 0 };
    await manager.reportDeviceStatus({ deviceName: name, deviceNamespace: namespace, reportedDevice });
    for (const [propertyName] of entries) this.#refused.delete(propertyName);
  }

  #drop(entry: Entry, refusal: unknown): void {
    const [property] = entry;
    if (!this.#refused.has(property))
      this.#ports.logger.warn("EdgeCore does not take a property's values", {
        device: this.#device.id,
        property,
        reason: describeError(refusal),
      });
    this.#refused.add(property);
  }
}
