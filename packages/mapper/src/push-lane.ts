import { type Clock, describeError, type Logger, type Random, RetrySchedule } from "@skerry/base";
import type { DeviceDescription, PropertyDescription } from "./device-description.ts";
import type { Reading } from "./property-work.ts";
import type { PushTarget, PushTransport } from "./push-target.ts";
import { WakeUp } from "./wake-up.ts";

export interface PushLanePorts {
  readonly pushTransport: PushTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const retryPolicy = { initialMs: 1_000, maximumMs: 60_000 };

/**
 * Brings one property's values to one target: at most one a report cycle, the newest. While the target does not take
 * them only the newest one waits; that is the limit, and `replacedCount` counts what it cost.
 */
export class PushLane implements AsyncDisposable {
  readonly #device: DeviceDescription;
  readonly #property: PropertyDescription;
  readonly #target: PushTarget;
  readonly #ports: PushLanePorts;
  readonly #wakeUp: WakeUp;
  readonly #retry: RetrySchedule;
  readonly #running: Promise<void>;
  #waiting: Reading | undefined;
  #replacedCount = 0;
  #stopped = false;

  constructor(device: DeviceDescription, property: PropertyDescription, target: PushTarget, ports: PushLanePorts) {
    this.#device = device;
    this.#property = property;
    this.#target = target;
    this.#ports = ports;
    this.#wakeUp = new WakeUp(ports.clock);
    this.#retry = new RetrySchedule(retryPolicy, ports.random);
    this.#running = this.#run();
  }

  /** Values that a newer one replaced before they were pushed. */
  get replacedCount(): number {
    return this.#replacedCount;
  }

  value(reading: Reading): void {
    if (this.#waiting) this.#replacedCount++;
    this.#waiting = reading;
    this.#wakeUp.wake();
  }

  /** Waits for the push that is under way; its transport gives each a time limit. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#wakeUp.wake();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      const reading = this.#waiting;
      if (reading === undefined) {
        await this.#wakeUp.wait(undefined);
        continue;
      }
      this.#waiting = undefined;
      const pushed = await this.#push(reading);
      if (!pushed) this.#waiting ??= reading;
      await this.#pause(pushed ? this.#property.reportCycleMs : this.#retry.nextDelayMs());
    }
  }

  async #push({ text, timestampMs }: Reading): Promise<boolean> {
    const { pushTransport, logger } = this.#ports;
    const { namespace, name } = this.#device;
    const property = this.#property.name;
    try {
      const { type } = this.#property;
      await pushTransport.push(this.#target, { namespace, deviceName: name, property, text, type, timestampMs });
      this.#retry.reset();
      return true;
    } catch (error) {
      const where = this.#target.kind === "mqtt" ? this.#target.address : this.#target.url;
      if (this.#retry.attempt === 0 && !this.#stopped)
        logger.warn("A property's values cannot be pushed; the newest is kept", {
          device: this.#device.id,
          property,
          target: where,
          reason: describeError(error),
        });
      return false;
    }
  }

  /** New values do not hasten the next push. */
  async #pause(delayMs: number): Promise<void> {
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + delayMs;
    while (!this.#stopped && clock.monotonicMs() < untilMs) await this.#wakeUp.wait(untilMs - clock.monotonicMs());
  }
}
