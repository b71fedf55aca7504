import { describeError, type JsonObject, SkerryError } from "@skerry/base";
import { readState, stateDocument } from "./device-state.ts";
import { readDevice, readDevices, readTwin } from "./device-table.ts";
import { deviceTopic, type EventTopic, nodeTopic, parseEventTopic } from "./device-topic.ts";
import { deviceUnknown, resultCode } from "./errors.ts";
import { membershipResult } from "./membership.ts";
import type { DeviceTwinContext } from "./ports.ts";
import { readSampleMessage } from "./sample-message.ts";
import { type DocumentHead, errorResult, getResult, updateResult } from "./twin-document.ts";
import type { PropertyChange } from "./twin-property.ts";
import type { TwinPublisher } from "./twin-publisher.ts";
import { parseRequest, readEventId, readUpdates } from "./twin-request.ts";
import type { TwinWriter } from "./twin-writer.ts";

/** Answers what devices' clients ask over MQTT (devices.md 5, 6). */
export class DeviceRequests {
  readonly #context: DeviceTwinContext;
  readonly #writer: TwinWriter;
  readonly #publisher: TwinPublisher;
  readonly #onWish: (deviceId: string) => void;
  #ignoredCount = 0;

  /** `onWish` hears of a device of which something else is wanted now. */
  constructor(
    context: DeviceTwinContext,
    writer: TwinWriter,
    publisher: TwinPublisher,
    onWish: (deviceId: string) => void,
  ) {
    this.#context = context;
    this.#writer = writer;
    this.#publisher = publisher;
    this.#onWish = onWish;
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
        return await this.#answer(target, payload);
      case "membership":
        if (target.nodeName === this.#context.nodeName) this.#answerMembership(payload);
        return;
      case "data":
        return await this.#takeSamples(target.deviceId, payload);
      case "other":
        this.#ignoredCount++;
        this.#context.logger.debug("A message on a reserved MQTT topic is ignored", { topic });
    }
  }

  async #answer(target: EventTopic & { kind: "device" }, payload: string): Promise<void> {
    const { deviceId, called, action } = target;
    const head = { eventId: "", timestampMs: this.#context.clock.now() };
    const topic = `${deviceTopic(called, action)}/result`;
    try {
      const request = parseRequest(payload);
      head.eventId = readEventId(request, this.#context.limits);
      if (action === "twin/update") await this.#update(target, topic, request, head);
      else if (action === "twin/get") this.#get(target, topic, head);
      else await this.#updateState(deviceId, topic, request, head);
    } catch (error) {
      this.#refuse(topic, deviceId, head, error);
    }
  }

  async #update(
    { deviceId, called }: EventTopic & { kind: "device" },
    topic: string,
    request: JsonObject,
    head: DocumentHead,
  ): Promise<void> {
    const { changes, twin } = await this.#writer.update(deviceId, readUpdates(request), head.timestampMs);
    this.#publish(topic, updateResult(head, changes));
    if (called !== deviceId) this.#publisher.calledByName(deviceId);
    this.#publisher.changed(deviceId, changes, twin, head);
    if (changes.some(isWish)) this.#onWish(deviceId);
  }

  #get({ deviceId, called }: EventTopic & { kind: "device" }, topic: string, head: DocumentHead): void {
    const twin = this.#context.meta.read((reader) => {
      if (readDevice(reader, deviceId) === undefined) throw deviceUnknown(deviceId);
      return readTwin(reader, deviceId);
    });
    this.#publish(topic, getResult(head, twin));
    if (called !== deviceId) this.#publisher.calledByName(deviceId);
    // A client that asks has often just started: tell it at once what it still has to do.
    this.#publisher.delta(deviceId, twin, head.timestampMs);
  }

  async #updateState(deviceId: string, topic: string, request: JsonObject, head: DocumentHead): Promise<void> {
    const state = readState(request, head.timestampMs);
    const device = await this.#writer.state(deviceId, state, head.timestampMs);
    this.#publish(topic, stateDocument(head, device.name, state));
  }

  /** Nobody is answered on this topic, so what is wrong with a message is told in the log. */
  async #takeSamples(deviceId: string, payload: string): Promise<void> {
    const { meta, clock, limits, samples, logger } = this.#context;
    try {
      const taken = readSampleMessage(deviceId, parseRequest(payload), clock.now(), limits);
      if (meta.read((reader) => readDevice(reader, deviceId)) === undefined) throw deviceUnknown(deviceId);
      await samples.record(taken);
    } catch (error) {
      this.#ignoredCount++;
      logger.debug("Samples of a device are refused", { deviceId, reason: describeError(error) });
    }
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

  #publish(topic: string, document: JsonObject): void {
    this.#context.bus.publish(topic, JSON.stringify(document));
  }
}

/** What is wanted, or what has become of it, is another: not so with most updates, which say what is. */
function isWish({ before, after, sides }: PropertyChange): boolean {
  return sides.expected || (before?.effect ?? null) !== after.effect;
}
