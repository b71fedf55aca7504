import { describeError } from "@skerry/base";
import { forgetSentEffects, hasSentEffects, readPendingEffects, readTwin, writeProperty } from "./device-table.ts";
import type { DeviceTwinContext } from "./ports.ts";
import type { Twin, TwinProperty } from "./twin-property.ts";
import type { TwinPublisher } from "./twin-publisher.ts";
import type { TwinReporter } from "./twin-reporter.ts";

/**
 * Gives devices what may take effect at most once. That it is given is committed before it leaves, so a crash can only
 * leave open whether it arrived; then it counts as unknown, is told to the cloud as such, and is never given again.
 */
export class OnceEffects implements AsyncDisposable {
  readonly #context: DeviceTwinContext;
  readonly #publisher: TwinPublisher;
  readonly #reporter: TwinReporter;
  readonly #sending = new Set<Promise<void>>();
  #hasMapper: (deviceId: string) => boolean = () => false;

  constructor(context: DeviceTwinContext, publisher: TwinPublisher, reporter: TwinReporter) {
    this.#context = context;
    this.#publisher = publisher;
    this.#reporter = reporter;
  }

  /** A mapper gives these devices what is wanted of them; all others are told over MQTT. */
  byMapper(hasMapper: (deviceId: string) => boolean): void {
    this.#hasMapper = hasMapper;
  }

  /**
   * EdgeCore begins: what an earlier process has given away and nobody has answered is unknown. Where that cannot be
   * stored (the disk is full) it stays as given: never given again, only not told.
   */
  async start(): Promise<void> {
    await this.forget(undefined).catch((error: unknown) =>
      this.#context.logger.warn("What devices were to do once could not be looked through", {
        reason: describeError(error),
      }),
    );
  }

  /** The devices' clients can be reached (again). */
  connected(): void {
    for (const deviceId of this.#context.meta.read(readPendingEffects)) this.send(deviceId);
  }

  /** Something of the device is pending; without somebody to tell it stays so. */
  send(deviceId: string): void {
    const sending = this.#send(deviceId)
      .catch((error: unknown) =>
        this.#context.logger.error("What a device is to do once could not be given to it", {
          deviceId,
          reason: describeError(error),
        }),
      )
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Whether something of the device waits to be given to it. */
  isPending(deviceId: string): boolean {
    return pendingIn(this.#context.meta.read((reader) => readTwin(reader, deviceId))).length > 0;
  }

  /** Notes that what is pending is given to the device now, and returns it by property, with the twin as it was. */
  async begin(deviceId: string): Promise<{ readonly values: ReadonlyMap<string, string>; readonly twin: Twin }> {
    const begun = await this.#context.meta.transaction((transaction) => {
      const twin = readTwin(transaction, deviceId);
      const pending = pendingIn(twin);
      for (const property of pending) writeProperty(transaction, deviceId, { ...property, effect: "sent" });
      return { values: new Map(pending.map(({ name, expected }) => [name, expected?.value ?? ""])), twin };
    });
    if (begun.values.size > 0) this.#reporter.changed(deviceId);
    return begun;
  }

  /** Whoever was given something has ended, or gave no answer: nobody knows what has become of it. */
  async forget(deviceId: string | undefined): Promise<void> {
    const { meta } = this.#context;
    if (!meta.read((reader) => hasSentEffects(reader, deviceId))) return;
    const count = await meta.transaction((transaction) => forgetSentEffects(transaction, deviceId));
    this.#context.logger.warn("Whether wanted values took effect is not known; they are not given to a device again", {
      count,
      ...(deviceId === undefined ? {} : { deviceId }),
    });
    if (deviceId !== undefined) this.#reporter.changed(deviceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sending);
  }

  async #send(deviceId: string): Promise<void> {
    const { bus, clock, meta } = this.#context;
    if (!bus.isConnected || this.#hasMapper(deviceId)) return;
    const { values, twin } = await this.begin(deviceId);
    if (values.size === 0 || this.#publisher.once(deviceId, twin, clock.now())) return;
    // It did not leave, so it may be given later.
    await meta.transaction((transaction) => {
      for (const property of readTwin(transaction, deviceId).values())
        if (property.effect === "sent" && values.has(property.name))
          writeProperty(transaction, deviceId, { ...property, effect: "pending" });
    });
  }
}

function pendingIn(twin: Twin): TwinProperty[] {
  return [...twin.values()].filter(({ effect }) => effect === "pending");
}
