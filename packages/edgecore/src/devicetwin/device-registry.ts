import { describeError } from "@skerry/base";
import type { Transaction } from "@skerry/store";
import { adoptDesired } from "./desired-value.ts";
import { type DeviceDefinition, modelNameOf, readDeviceDefinition } from "./device-definition.ts";
import {
  countDevices,
  type DeviceRecord,
  deleteDevice,
  readDevice,
  readDeviceIdsWithDifferences,
  readDevices,
  readTwin,
  writeDevice,
  writeProperty,
} from "./device-table.ts";
import { nodeTopic } from "./device-topic.ts";
import { tooManyDevices } from "./errors.ts";
import { type Member, membershipUpdated } from "./membership.ts";
import type { DeviceTwinContext } from "./ports.ts";
import type { StateReport } from "./state-report.ts";
import { storedDevice, storedModel } from "./stored-device.ts";
import type { PropertyChange, Twin } from "./twin-property.ts";
import type { TwinPublisher } from "./twin-publisher.ts";
import type { TwinReporter } from "./twin-reporter.ts";

/** What bringing one device in line with the store did. */
interface Outcome {
  readonly added?: DeviceRecord;
  readonly removed?: DeviceRecord;
  readonly changes: readonly PropertyChange[];
  readonly twin: Twin;
  /** See {@link DeviceDefinition.calledByName}. */
  readonly calledByName?: boolean;
}

const nothing: Outcome = { changes: [], twin: new Map() };

/**
 * Keeps the devices and their expected values in line with the Device and DeviceModel objects that the cloud gave this
 * node. Those objects are acknowledged and repaired, membership messages are not: a membership message only makes a
 * device known earlier, it never outweighs a stored object.
 */
export class DeviceRegistry {
  readonly #context: DeviceTwinContext;
  readonly #stateReport: StateReport;
  readonly #reporter: TwinReporter;
  readonly #publisher: TwinPublisher;

  constructor(context: DeviceTwinContext, stateReport: StateReport, reporter: TwinReporter, publisher: TwinPublisher) {
    this.#context = context;
    this.#stateReport = stateReport;
    this.#reporter = reporter;
    this.#publisher = publisher;
  }

  /** Ids of all devices that are known here or in the store, in order. */
  deviceIds(): string[] {
    const { meta } = this.#context;
    const stored = meta.list("device").map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`);
    const known = meta.read(readDevices).map(({ id }) => id);
    return [...new Set([...stored, ...known])].sort();
  }

  /** Ids of the stored Devices that refer to a DeviceModel. */
  deviceIdsOfModel(namespace: string, modelName: string): string[] {
    return this.#context.meta
      .list("device")
      .filter((device) => (device.metadata.namespace ?? "default") === namespace && modelNameOf(device) === modelName)
      .map(({ metadata }) => `${namespace}/${metadata.name}`);
  }

  /** Brings one device in line with the store: added, replaced, its desired values taken over, or removed. */
  async reconcile(deviceId: string): Promise<void> {
    const { meta, clock } = this.#context;
    const nowMs = clock.now();
    const outcome = await meta.transaction((transaction) => {
      const known = readDevice(transaction, deviceId);
      const device = storedDevice(meta, deviceId);
      if (device === undefined) return known === undefined ? nothing : this.#remove(transaction, known);
      const definition = readDeviceDefinition(device, storedModel(meta, device));
      return this.#store(transaction, known, definition, nowMs);
    });
    this.#announce(deviceId, outcome, nowMs);
  }

  /** A membership message made a device known; its Device follows. */
  async add(member: Member): Promise<void> {
    const { meta, clock, limits, logger } = this.#context;
    const nowMs = clock.now();
    const outcome = await meta.transaction((transaction): Outcome => {
      if (readDevice(transaction, member.id) !== undefined) return nothing;
      if (countDevices(transaction) >= limits.maximumDevices) {
        logger.warn(describeError(tooManyDevices(member.id, limits.maximumDevices)));
        return nothing;
      }
      const added = { ...member, uid: "", state: "", lastOnline: "" };
      writeDevice(transaction, added);
      return { ...nothing, added };
    });
    this.#announce(member.id, outcome, nowMs);
  }

  /** Publishes the deltas of all devices that have something to do: their clients may have missed them. */
  publishDeltas(): void {
    const { meta, clock } = this.#context;
    const nowMs = clock.now();
    for (const deviceId of meta.read(readDeviceIdsWithDifferences))
      this.#publisher.delta(
        deviceId,
        meta.read((reader) => readTwin(reader, deviceId)),
        nowMs,
      );
  }

  #store(
    transaction: Transaction,
    known: DeviceRecord | undefined,
    definition: DeviceDefinition,
    nowMs: number,
  ): Outcome {
    const { limits, logger } = this.#context;
    const { id, name, uid, description } = definition;
    const replaced = known !== undefined && known.uid !== "" && known.uid !== uid ? known : undefined;
    if (replaced) this.#remove(transaction, replaced); // Another Device of the same name: its values are not this one's.
    const before = replaced ? undefined : known;
    if (known === undefined && countDevices(transaction) >= limits.maximumDevices) {
      logger.warn(describeError(tooManyDevices(id, limits.maximumDevices)));
      return nothing;
    }
    const record = { id, name, uid, description, state: before?.state ?? "", lastOnline: before?.lastOnline ?? "" };
    if (before?.uid !== uid || before.description !== description) writeDevice(transaction, record);
    const { changes, refused, waitsForModel } = adoptDesired(readTwin(transaction, id), definition, nowMs, limits);
    if (waitsForModel)
      logger.info("Desired values wait for the DeviceModel, which is not here yet", {
        deviceId: id,
        model: definition.modelName,
      });
    for (const { property, error } of refused)
      logger.warn("A desired value is not sent to its device", {
        deviceId: id,
        property,
        reason: describeError(error),
      });
    for (const { after } of changes) writeProperty(transaction, id, after);
    const twin = readTwin(transaction, id);
    return {
      changes,
      twin,
      calledByName: definition.calledByName,
      ...(before ? {} : { added: record }),
      ...(replaced ? { removed: replaced } : {}),
    };
  }

  #remove(transaction: Transaction, device: DeviceRecord): Outcome {
    this.#stateReport.forget(transaction, device.id);
    deleteDevice(transaction, device.id);
    return { ...nothing, removed: device };
  }

  #announce(deviceId: string, outcome: Outcome, nowMs: number): void {
    const { added, removed, changes, twin } = outcome;
    const { bus, nodeName, random, logger } = this.#context;
    const topic = nodeTopic(nodeName, "membership/updated");
    for (const change of [removed && { removed }, added && { added }]) {
      if (change === undefined) continue;
      const head = { eventId: random.uuid(), timestampMs: nowMs };
      bus.publish(topic, JSON.stringify(membershipUpdated(head, change)));
    }
    if (removed) {
      this.#reporter.forget(deviceId);
      this.#publisher.forget(deviceId);
    }
    if (outcome.calledByName) this.#publisher.calledByName(deviceId);
    if (changes.length > 0) this.#reporter.changed(deviceId);
    if (removed) logger.info("A device is no longer on this node", { deviceId });
    if (added) logger.info("A device is on this node", { deviceId });
    if (changes.length === 0) return;
    logger.info("Desired values came from the cloud", {
      deviceId,
      properties: changes.map(({ after }) => after.name),
    });
    this.#publisher.changed(deviceId, changes, twin, { eventId: random.uuid(), timestampMs: nowMs });
  }
}
