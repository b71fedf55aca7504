import { describeError, type JsonObject, SkerryError } from "@skerry/base";
import type { Transaction } from "@skerry/store";
import type { CloudReport } from "./cloud-report.ts";
import { readDeviceDefinition } from "./device-definition.ts";
import { readState, stateDocument } from "./device-state.ts";
import { type DeviceRecord, readDevice, readDevices, readTwin, writeDevice, writeProperty } from "./device-table.ts";
import { deviceTopic, nodeTopic, parseEventTopic } from "./device-topic.ts";
import { deviceUnknown, resultCode } from "./errors.ts";
import { membershipResult } from "./membership.ts";
import type { DeviceTwinContext } from "./ports.ts";
import { storedDevice, storedModel } from "./stored-device.ts";
import { type DocumentHead, errorResult, getResult, updateResult } from "./twin-document.ts";
import type { TwinPublisher } from "./twin-publisher.ts";
import { parseRequest, readEventId, readUpdates } from "./twin-request.ts";
import { applyUpdates } from "./twin-update.ts";

/** Answers what devices' clients ask over MQTT (devices.md 5, 6). */
export class DeviceRequests {
  readonly #context: DeviceTwinContext;
  readonly #report: CloudReport;
  readonly #publisher: TwinPublisher;
  #ignoredCount = 0;

  constructor(context: DeviceTwinContext, report: CloudReport, publisher: TwinPublisher) {
    this.#context = context;
    this.#report = report;
    this.#publisher = publisher;
  }

  /** Messages on reserved topics that nobody at the edge may send, so far. */
  get ignoredCount(): number {
    return this.#ignoredCount;
  }

  /** Handles one message; resolves when it is committed and answered. Never rejects: the sender gets the error. */
  async handle(topic: string, payload: string): Promise<void> {
    const target = parseEventTopic(topic);
    switch (target.kind) {
      case "device":
        return await this.#answer(target.deviceId, target.action, payload);
      case "membership":
        if (target.nodeName === this.#context.nodeName) this.#answerMembership(payload);
        return;
      case "other":
        this.#ignoredCount++;
        this.#context.logger.debug("A message on a reserved MQTT topic is ignored", { topic });
    }
  }

  async #answer(deviceId: string, action: "twin/update" | "twin/get" | "state/update", payload: string): Promise<void> {
    const head = { eventId: "", timestampMs: this.#context.clock.now() };
    try {
      const request = parseRequest(payload);
      head.eventId = readEventId(request, this.#context.limits);
      if (action === "twin/update") await this.#update(deviceId, request, head);
      else if (action === "twin/get") this.#get(deviceId, head);
      else await this.#updateState(deviceId, request, head);
    } catch (error) {
      this.#refuse(`${deviceTopic(deviceId, action)}/result`, deviceId, head, error);
    }
  }

  async #update(deviceId: string, request: JsonObject, head: DocumentHead): Promise<void> {
    const updates = readUpdates(request);
    const { meta, limits } = this.#context;
    const nowMs = head.timestampMs;
    const { changes, twin } = await meta.transaction((transaction) => {
      this.#require(transaction, deviceId);
      const device = storedDevice(meta, deviceId);
      const definition = device && readDeviceDefinition(device, storedModel(meta, device));
      const changes = applyUpdates(readTwin(transaction, deviceId), updates, { deviceId, nowMs, limits, definition });
      for (const { after } of changes) {
        writeProperty(transaction, deviceId, after);
        this.#report.property(transaction, deviceId, after, nowMs);
      }
      return { changes, twin: readTwin(transaction, deviceId) };
    });
    this.#publish(deviceTopic(deviceId, "twin/update/result"), updateResult(head, changes));
    if (changes.length > 0) this.#publisher.document(deviceId, changes, head);
    this.#publisher.delta(deviceId, twin, nowMs);
  }

  #get(deviceId: string, head: DocumentHead): void {
    const twin = this.#context.meta.read((reader) => {
      if (readDevice(reader, deviceId) === undefined) throw deviceUnknown(deviceId);
      return readTwin(reader, deviceId);
    });
    this.#publish(deviceTopic(deviceId, "twin/get/result"), getResult(head, twin));
    // A client that asks has often just started: tell it at once what it still has to do.
    this.#publisher.delta(deviceId, twin, head.timestampMs);
  }

  async #updateState(deviceId: string, request: JsonObject, head: DocumentHead): Promise<void> {
    const nowMs = head.timestampMs;
    const state = readState(request, nowMs);
    const device = await this.#context.meta.transaction((transaction) => {
      const device = { ...this.#require(transaction, deviceId), ...state };
      writeDevice(transaction, device);
      this.#report.state(transaction, deviceId, device.name, state, nowMs);
      return device;
    });
    this.#publish(deviceTopic(deviceId, "state/update/result"), stateDocument(head, device.name, state));
  }

  #answerMembership(payload: string): void {
    const { nodeName, meta, clock, limits } = this.#context;
    const topic = nodeTopic(nodeName, "membership/get/result");
    const head = { eventId: "", timestampMs: clock.now() };
    try {
      head.eventId = readEventId(parseRequest(payload), limits);
      this.#publish(topic, membershipResult(head, meta.read(readDevices)));
    } catch (error) {
      this.#refuse(topic, undefined, head, error);
    }
  }

  #refuse(topic: string, deviceId: string | undefined, head: DocumentHead, error: unknown): void {
    const code = resultCode(error);
    const { logger } = this.#context;
    if (code === 500) logger.error("A device request could not be stored", { deviceId, reason: describeError(error) });
    else logger.debug("A device request is refused", { deviceId, reason: describeError(error) });
    const reason = error instanceof SkerryError ? error.message : "the node could not store the request";
    this.#publish(topic, errorResult(head, code, reason));
  }

  #require(transaction: Transaction, deviceId: string): DeviceRecord {
    const device = readDevice(transaction, deviceId);
    if (device === undefined) throw deviceUnknown(deviceId);
    return device;
  }

  #publish(topic: string, document: JsonObject): void {
    this.#context.bus.publish(topic, JSON.stringify(document));
  }
}
