import { type Event, events, type KubernetesObject } from "@skerry/api";
import { type Clock, describeError, type Logger, type Random, toKubernetesTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

/** Most events remembered for counting repetitions; the oldest is forgotten first. */
const REMEMBERED_EVENTS = 1_024;
/** Events on their way to the API at the same time; further ones are dropped and counted. */
const EVENTS_IN_FLIGHT = 64;

interface Remembered {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

/** Writes Events about objects; a repetition raises the count of the first. Never fails: losing an event is logged. */
export class EventRecorder implements AsyncDisposable {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #component: string;
  readonly #remembered = new Map<string, Remembered>();
  readonly #inFlight = new Set<Promise<void>>();
  #droppedCount = 0;

  /** @param component who reports, e.g. `deployment-controller` */
  constructor(
    ports: { readonly api: KubernetesApi; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    component: string,
  ) {
    this.#api = ports.api;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#logger = ports.logger;
    this.#component = component;
  }

  /** Events not written because too many were under way. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Writes an event about `object` in the background. */
  record(object: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string): void {
    if (this.#inFlight.size >= EVENTS_IN_FLIGHT) {
      this.#droppedCount++;
      return;
    }
    const write = this.#write(object, type, reason, message).catch((error: unknown) => {
      this.#logger.debug("An event could not be written", { reason, error: describeError(error) });
    });
    this.#inFlight.add(write);
    void write.finally(() => this.#inFlight.delete(write));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #write(object: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string): Promise<void> {
    const { metadata } = object;
    const namespace = metadata.namespace ?? "default";
    const key = [object.kind, metadata.uid ?? metadata.name, type, reason, message].join("\0");
    const now = toKubernetesTime(this.#clock.now());
    const known = this.#remembered.get(key);
    if (known) {
      known.count++;
      const body = { count: known.count, lastTimestamp: now };
      const target = { resource: events, namespace: known.namespace, name: known.name };
      try {
        await this.#api.patch(target, { type: "merge", body });
        return;
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
    const suffix = this.#random.uuid().replaceAll("-", "").slice(0, 16);
    const name = `${metadata.name.slice(0, 236)}.${suffix}`;
    this.#remember(key, { name, namespace, count: 1 });
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      },
      reason,
      message: message.slice(0, 1_024),
      source: { component: this.#component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: this.#component,
      reportingInstance: "",
    };
    await this.#api.create({ resource: events, namespace }, event);
  }

  #remember(key: string, remembered: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, remembered);
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size > REMEMBERED_EVENTS && oldest !== undefined) this.#remembered.delete(oldest);
  }
}
