import { describeError, type Logger } from "@skerry/base";
import { failureStatus } from "@skerry/kube";
import { errorStatusContent, type Message, type RecordedSample, readTelemetryRequest, samplesOf } from "@skerry/link";
import type { Reply, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import type { TelemetrySink } from "./telemetry-sink.ts";

/** What {@link TelemetryRequests} lives on. */
export interface TelemetryRequestsOptions {
  readonly sink: TelemetrySink;
  /** The node that a device is bound to; undefined when there is no such device. */
  readonly nodeOf: (deviceId: string) => string | undefined;
  readonly logger: Logger;
}

/** Messages of one node that are being stored; an edge sends one after the other, so only a hostile one meets it. */
const PENDING_LIMIT = 4;

/** Takes the nodes' samples; each message is answered when the sink has committed it. */
export class TelemetryRequests implements UpstreamHandler {
  readonly #options: TelemetryRequestsOptions;
  readonly #pending = new Map<string, number>();
  #receivedCount = 0;
  #duplicateCount = 0;
  #missingCount = 0;
  #foreignCount = 0;

  constructor(options: TelemetryRequestsOptions) {
    this.#options = options;
  }

  /** `foreign`: samples of devices that are another node's, which are not stored. */
  get counters(): Record<"received" | "duplicate" | "missing" | "foreign", number> {
    return {
      received: this.#receivedCount,
      duplicate: this.#duplicateCount,
      missing: this.#missingCount,
      foreign: this.#foreignCount,
    };
  }

  async handle(nodeName: string, message: Message, reply: Reply): Promise<void> {
    const handled = this.#answer(nodeName, message, reply);
    // The node's other messages do not wait for the sink, unless it sends faster than the sink stores.
    if ((this.#pending.get(nodeName) ?? 0) > PENDING_LIMIT) await handled;
  }

  async #answer(nodeName: string, message: Message, reply: Reply): Promise<void> {
    this.#pending.set(nodeName, (this.#pending.get(nodeName) ?? 0) + 1);
    try {
      const cursor = await this.#perform(nodeName, message);
      if (cursor === undefined)
        reply(errorStatusContent(failureStatus(400, "BadRequest", "the message about samples is not well formed")));
      else reply({ cursor });
    } catch (error) {
      this.#options.logger.warn("A node's samples could not be stored; the node keeps them and sends them again", {
        node: nodeName,
        reason: describeError(error),
      });
      const text = `CloudCore could not store the samples: ${describeError(error)}`;
      reply(errorStatusContent(failureStatus(503, "ServiceUnavailable", text)));
    } finally {
      const left = (this.#pending.get(nodeName) ?? 1) - 1;
      if (left > 0) this.#pending.set(nodeName, left);
      else this.#pending.delete(nodeName);
    }
  }

  /** The cursor after the request; undefined when it is not well formed. */
  async #perform(nodeName: string, message: Message): Promise<number | undefined> {
    const { sink, logger } = this.#options;
    const request = readTelemetryRequest(message);
    if (request === undefined) return undefined;
    const { stream } = request;
    if (request.kind === "query") return await sink.cursor(nodeName, stream);
    const samples = request.blocks.flatMap((block) => samplesOf(stream, block));
    const refusedDevices = this.#foreignDevices(nodeName, samples);
    const result = await sink.append({
      nodeName,
      stream,
      base: request.base,
      after: request.after,
      afterStream: request.afterStream,
      samples,
      refusedDevices,
    });
    if (result.cursor < (request.after ?? 0)) {
      logger.warn("The sink has fewer samples of a node than it had before; the node sends again what it still has", {
        node: nodeName,
        stored: result.cursor,
        before: request.after,
      });
      return result.cursor;
    }
    this.#receivedCount += samples.length;
    this.#duplicateCount += result.duplicates;
    this.#missingCount += result.missing;
    if (result.missing > 0)
      logger.warn("Samples of a node are missing: its ring was full while the link was down", {
        node: nodeName,
        count: result.missing,
      });
    return result.cursor;
  }

  /**
   * A node speaks for its own devices only. Samples of a device that is gone meanwhile are taken: it was the node's when
   * they were observed, and nobody else's now.
   */
  #foreignDevices(nodeName: string, samples: readonly RecordedSample[]): ReadonlySet<string> {
    const foreign = new Set<string>();
    for (const deviceId of new Set(samples.map((sample) => sample.deviceId))) {
      const owner = this.#options.nodeOf(deviceId);
      if (owner !== undefined && owner !== nodeName) foreign.add(deviceId);
    }
    if (foreign.size === 0) return foreign;
    const count = samples.filter(({ deviceId }) => foreign.has(deviceId)).length;
    this.#foreignCount += count;
    this.#options.logger.warn("A node sent samples of devices that are bound to another node; they are not stored", {
      node: nodeName,
      devices: [...foreign].slice(0, 10),
      count,
    });
    return foreign;
  }
}
