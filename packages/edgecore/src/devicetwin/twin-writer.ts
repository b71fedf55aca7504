import type { Sample } from "@skerry/link";
import type { Transaction } from "@skerry/store";
import type { DefinitionCache } from "./definition-cache.ts";
import { adoptDesired } from "./desired-value.ts";
import type { DeviceDefinition } from "./device-definition.ts";
import { type DeviceState, lastOnlineAfter } from "./device-state.ts";
import { type DeviceRecord, readDevice, readTwin, writeDevice, writeProperty } from "./device-table.ts";
import { deviceUnknown } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { DeviceTwinContext } from "./ports.ts";
import { observationTime } from "./sample-message.ts";
import type { StateReport } from "./state-report.ts";
import { liveProperties, type PropertyChange, type Twin, type TwinProperty, withChanges } from "./twin-property.ts";
import type { TwinReporter } from "./twin-reporter.ts";
import type { PropertyUpdate } from "./twin-request.ts";
import { applyUpdates } from "./twin-update.ts";

/** What an update has led to. */
export interface UpdateOutcome {
  readonly changes: readonly PropertyChange[];
  readonly twin: Twin;
}

/** An update that waits for its commit. */
interface WaitingUpdate {
  readonly deviceId: string;
  readonly updates: readonly PropertyUpdate[];
  readonly nowMs: number;
  readonly settled: PromiseWithResolvers<UpdateOutcome>;
}

/** What becomes of an update if its transaction is committed. */
type Verdict =
  | { readonly kind: "applied"; readonly outcome: UpdateOutcome }
  | { readonly kind: "refused"; readonly error: unknown };

/**
 * Commits what clients at the edge say of a device, over MQTT or DMI, together with its report to the cloud. Updates that
 * wait at the same time share a transaction, in which a device is read once and a property written once however many of
 * them are about it. As many wait as EventBus and DMI let in.
 */
export class TwinWriter {
  readonly #context: DeviceTwinContext;
  readonly #stateReport: StateReport;
  readonly #reporter: TwinReporter;
  readonly #definitions: DefinitionCache;
  /** What the next transaction commits; undefined when none is under way that takes more. */
  #batch: WaitingUpdate[] | undefined;

  constructor(
    context: DeviceTwinContext,
    stateReport: StateReport,
    reporter: TwinReporter,
    definitions: DefinitionCache,
  ) {
    this.#context = context;
    this.#definitions = definitions;
    this.#stateReport = stateReport;
    this.#reporter = reporter;
  }

  /** All of the updates or none; resolves when they are on the disk. @throws `DEVICETWIN_…`, see {@link applyUpdates} */
  update(deviceId: string, updates: readonly PropertyUpdate[], nowMs: number): Promise<UpdateOutcome> {
    const waiting = { deviceId, updates, nowMs, settled: Promise.withResolvers<UpdateOutcome>() };
    if (this.#batch === undefined) {
      this.#batch = [waiting];
      void this.#commit(this.#batch);
    } else this.#batch.push(waiting);
    return waiting.settled.promise;
  }

  /** The device's new state; returns the device with it. @throws `DEVICETWIN_DEVICE_UNKNOWN` */
  state(deviceId: string, { state }: DeviceState, nowMs: number): Promise<DeviceRecord> {
    return this.#context.meta.transaction((transaction) => {
      const before = this.#require(transaction, deviceId);
      const device = { ...before, state, lastOnline: lastOnlineAfter(before, state, nowMs) };
      writeDevice(transaction, device);
      this.#stateReport.put(transaction, deviceId, device.name, device, nowMs);
      return device;
    });
  }

  /** Never rejects: each update is told what has become of it. */
  async #commit(batch: readonly WaitingUpdate[]): Promise<void> {
    const close = (): void => {
      if (this.#batch === batch) this.#batch = undefined;
    };
    let verdicts: readonly Verdict[];
    try {
      verdicts = await this.#context.meta.transaction((transaction) => {
        close();
        return this.#applyAll(transaction, batch);
      });
    } catch (error) {
      close(); // The transaction may not even have begun.
      for (const { settled } of batch) settled.reject(error);
      return;
    }
    const samples: Sample[] = [];
    const sampled: (() => void)[] = [];
    for (const [index, { deviceId, updates, nowMs, settled }] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict?.kind !== "applied") {
        settled.reject(verdict?.error);
        continue;
      }
      const { outcome } = verdict;
      if (outcome.changes.length > 0) this.#reporter.changed(deviceId);
      const observed = samplesIn(deviceId, updates, nowMs);
      if (observed.length === 0) settled.resolve(outcome);
      else sampled.push(() => settled.resolve(this.#current(deviceId, outcome)));
      for (const sample of observed) samples.push(sample);
    }
    if (samples.length > 0) await this.#context.samples.record(samples);
    for (const settle of sampled) settle();
  }

  /**
   * Each update on what those before it have left. One that is refused has changed nothing; what else fails is the
   * machine's fault, and fails all of them.
   */
  #applyAll(transaction: Transaction, batch: readonly WaitingUpdate[]): Verdict[] {
    const twins = new Map<string, Twin>();
    const changed = new Map<string, { readonly deviceId: string; readonly property: TwinProperty }>();
    const verdicts = batch.map((waiting): Verdict => {
      const { deviceId } = waiting;
      try {
        const outcome = this.#apply(transaction, waiting, twins.get(deviceId));
        twins.set(deviceId, outcome.twin);
        for (const { after } of outcome.changes)
          changed.set(`${deviceId}\n${after.name}`, { deviceId, property: after });
        return { kind: "applied", outcome };
      } catch (error) {
        return { kind: "refused", error };
      }
    });
    for (const { deviceId, property } of changed.values()) writeProperty(transaction, deviceId, property);
    return verdicts;
  }

  #apply(
    transaction: Transaction,
    { deviceId, updates, nowMs }: WaitingUpdate,
    known: Twin | undefined,
  ): UpdateOutcome {
    const { limits } = this.#context;
    if (known === undefined) this.#require(transaction, deviceId);
    const definition = this.#definitions.get(deviceId);
    const before = known ?? readTwin(transaction, deviceId);
    const changes = applyUpdates(before, updates, { deviceId, nowMs, limits, definition });
    if (definition && changes.some(isRelease)) takeBack(changes, before, definition, nowMs, limits);
    return { changes, twin: withChanges(before, changes) };
  }

  /** While the samples were stored the twin may have changed and been published: what is published next must not be older. */
  #current(deviceId: string, outcome: UpdateOutcome): UpdateOutcome {
    const { meta } = this.#context;
    // Where nothing is wanted there is nothing to publish that could be old by now.
    if (liveProperties(outcome.twin).every(({ expected }) => expected === null)) return outcome;
    return { ...outcome, twin: meta.read((reader) => readTwin(reader, deviceId)) };
  }

  #require(transaction: Transaction, deviceId: string): DeviceRecord {
    const device = readDevice(transaction, deviceId);
    if (device === undefined) throw deviceUnknown(deviceId);
    return device;
  }
}

function isRelease({ before, after }: PropertyChange): boolean {
  return before !== null && before.expected !== null && after.expected === null && after.type !== "deleted";
}

/** What a client no longer wants, the Device may want: its values take the place at once. */
function takeBack(
  changes: PropertyChange[],
  before: Twin,
  definition: DeviceDefinition,
  nowMs: number,
  limits: DeviceTwinLimits,
): void {
  const adopted = adoptDesired(withChanges(before, changes), definition, nowMs, limits).changes;
  for (const [index, change] of changes.entries()) {
    const again = adopted.find(({ after }) => after.name === change.after.name);
    if (again && isRelease(change)) changes[index] = { ...change, after: again.after };
  }
}

/** Every actual value is a sample, also one that equals the value before it. */
function samplesIn(deviceId: string, updates: readonly PropertyUpdate[], nowMs: number): Sample[] {
  return updates.flatMap((update) => {
    if (update.kind === "delete" || update.actual === undefined || update.actual === "") return [];
    const { name: property, actual: value, observedAtMs } = update;
    return [{ deviceId, property, value, timestampMs: observationTime(observedAtMs, nowMs) }];
  });
}
