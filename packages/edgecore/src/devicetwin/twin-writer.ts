import type { Sample } from "@skerry/link";
import type { Transaction } from "@skerry/store";
import type { DefinitionCache } from "./definition-cache.ts";
import { adoptDesired } from "./desired-value.ts";
import type { DeviceDefinition } from "./device-definition.ts";
import type { DeviceState } from "./device-state.ts";
import { type DeviceRecord, readDevice, readTwin, writeDevice, writeProperty } from "./device-table.ts";
import { deviceUnknown } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { DeviceTwinContext } from "./ports.ts";
import { observationTime } from "./sample-message.ts";
import type { StateReport } from "./state-report.ts";
import { liveProperties, type PropertyChange, type Twin, withChanges } from "./twin-property.ts";
import type { TwinReporter } from "./twin-reporter.ts";
import type { PropertyUpdate } from "./twin-request.ts";
import { applyUpdates } from "./twin-update.ts";

/** Commits what clients at the edge say of a device, over MQTT or DMI, together with its report to the cloud. */
export class TwinWriter {
  readonly #context: DeviceTwinContext;
  readonly #stateReport: StateReport;
  readonly #reporter: TwinReporter;
  readonly #definitions: DefinitionCache;

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

  /** All of the updates in one transaction, or none. @throws `DEVICETWIN_…`, see {@link applyUpdates} */
  async update(
    deviceId: string,
    updates: readonly PropertyUpdate[],
    nowMs: number,
  ): Promise<{ readonly changes: readonly PropertyChange[]; readonly twin: Twin }> {
    const { meta, limits } = this.#context;
    const outcome = await meta.transaction((transaction) => {
      this.#require(transaction, deviceId);
      const definition = this.#definitions.get(deviceId);
      const before = readTwin(transaction, deviceId);
      const changes = applyUpdates(before, updates, { deviceId, nowMs, limits, definition });
      if (definition && changes.some(isRelease)) takeBack(changes, before, definition, nowMs, limits);
      for (const { after } of changes) writeProperty(transaction, deviceId, after);
      return { changes, twin: withChanges(before, changes) };
    });
    if (outcome.changes.length > 0) this.#reporter.changed(deviceId);
    const samples = samplesIn(deviceId, updates, nowMs);
    if (samples.length === 0) return outcome;
    await this.#context.samples.record(samples);
    // Where nothing is wanted there is nothing to publish that could be old by now.
    if (liveProperties(outcome.twin).every(({ expected }) => expected === null)) return outcome;
    // Meanwhile the twin may have changed and been published: what is published next must not be older.
    return { ...outcome, twin: meta.read((reader) => readTwin(reader, deviceId)) };
  }

  /** The device's new state; returns the device with it. @throws `DEVICETWIN_DEVICE_UNKNOWN` */
  state(deviceId: string, state: DeviceState, nowMs: number): Promise<DeviceRecord> {
    return this.#context.meta.transaction((transaction) => {
      const device = { ...this.#require(transaction, deviceId), ...state };
      writeDevice(transaction, device);
      this.#stateReport.put(transaction, deviceId, device.name, state, nowMs);
      return device;
    });
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
