import { type Device, type DeviceModel, devices, type Event, events } from "@skerry/api";
import { type Clock, describeError, fnv1a, hexOf, type Logger, type Timer, toKubernetesTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import type { DeviceObjects } from "./device-objects.ts";
import { type Notice, ruleNotices, twinNotices } from "./twin-notices.ts";

/** Manifests are applied in any order: what is missing may come a moment later. */
const GRACE_MS = 5_000;
/** Devices that wait for their grace; further ones are not looked at, and counted. */
const PENDING_LIMIT = 1_000;
/** Notices that are remembered, so that each is given once; the oldest is forgotten. */
const REMEMBERED_LIMIT = 1_000;

/** Events that are being written; what is still so later is told with the device's next change. */
const WRITES_LIMIT = 64;

/** What {@link DeviceNotices} lives on. */
export interface DeviceNoticesOptions {
  readonly api: KubernetesApi;
  readonly objects: DeviceObjects;
  readonly nodeExists: (nodeName: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells by Events why a Device does nothing (its model, a property of it or its node does not exist), and where a wish for
 * it has lost against another.
 */
export class DeviceNotices implements AsyncDisposable {
  readonly #options: DeviceNoticesOptions;
  readonly #pending = new Map<string, Timer>();
  readonly #told = new Set<string>();
  readonly #writes = new Set<Promise<void>>();
  #droppedCount = 0;

  constructor(options: DeviceNoticesOptions) {
    this.#options = options;
  }

  /** Devices that were not looked at because too many changed at once. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** A device is new or has changed; it is looked at a little later. */
  deviceChanged(device: Device, before: Device | undefined): void {
    if (before !== undefined && before.status !== device.status)
      for (const notice of twinNotices(device, before)) this.#tell(device, notice);
    const { namespace = "", name } = device.metadata;
    const key = `${namespace}/${name}`;
    if (this.#pending.has(key)) return;
    if (this.#pending.size >= PENDING_LIMIT) {
      this.#droppedCount++;
      return;
    }
    const timer = this.#options.clock.setTimer(GRACE_MS, () => {
      this.#pending.delete(key);
      const newest = this.#options.objects.device(namespace, name);
      if (newest) this.#lookAt(newest);
    });
    this.#pending.set(key, timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#pending.values()) timer.cancel();
    this.#pending.clear();
    await Promise.all(this.#writes);
  }

  #lookAt(device: Device): void {
    const { objects, nodeExists } = this.#options;
    const model = objects.modelOf(device);
    for (const notice of noticesOf(device, model, nodeExists)) this.#tell(device, notice);
    for (const notice of ruleNotices(device, model)) this.#tell(device, notice);
    for (const notice of twinNotices(device, undefined)) this.#tell(device, notice);
  }

  #tell(device: Device, notice: Notice): void {
    const identity = `${device.metadata.uid}\0${notice.message}`;
    if (this.#told.has(identity) || this.#writes.size >= WRITES_LIMIT) return;
    this.#told.add(identity);
    const [oldest] = this.#told;
    if (this.#told.size > REMEMBERED_LIMIT && oldest !== undefined) this.#told.delete(oldest);
    const write = this.#write(device, notice).catch((error: unknown) => {
      this.#told.delete(identity);
      this.#options.logger.warn("An event about a device could not be written", {
        device: `${device.metadata.namespace}/${device.metadata.name}`,
        notice: notice.message,
        error: describeError(error),
      });
    });
    this.#writes.add(write);
    void write.finally(() => this.#writes.delete(write));
  }

  async #write(device: Device, { reason, message }: Notice): Promise<void> {
    const { api, clock } = this.#options;
    const { name, namespace = "default", uid = "", resourceVersion } = device.metadata;
    // The same for each CloudCore that sees the device, so that only one of them is stored.
    const eventName = `${name.slice(0, 236)}.${hexOf(fnv1a(`${uid} ${message}`))}`;
    const now = toKubernetesTime(clock.now());
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: eventName, namespace },
      involvedObject: {
        apiVersion: `${devices.group}/${devices.version}`,
        kind: devices.kind,
        name,
        namespace,
        ...(uid === "" ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      reason,
      message,
      source: { component: "devicecontroller" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type: "Warning",
      reportingComponent: "devicecontroller",
      reportingInstance: "",
    };
    await api.create({ resource: events, namespace }, event).catch((error: unknown) => {
      if (!isApiError(error, "AlreadyExists")) throw error;
    });
  }
}

function* noticesOf(
  device: Device,
  model: DeviceModel | undefined,
  nodeExists: (nodeName: string) => boolean,
): Iterable<Notice> {
  const { nodeName, deviceModelRef, properties = [] } = device.spec ?? {};
  if (nodeName && !nodeExists(nodeName))
    yield {
      reason: "NodeNotFound",
      message: `The node ${nodeName} does not exist; the device is on no node until it does`,
    };
  const modelName = deviceModelRef?.name;
  if (!modelName) return;
  if (!model) {
    const message = `The DeviceModel ${modelName} does not exist in this namespace; desired values wait for it`;
    yield { reason: "DeviceModelNotFound", message };
    return;
  }
  const known = new Set((model.spec?.properties ?? []).map(({ name }) => name));
  const unknown = properties.flatMap(({ name }) => (name === undefined || known.has(name) ? [] : name));
  if (unknown.length > 0)
    yield {
      reason: "PropertyNotInModel",
      message: `The DeviceModel ${modelName} has no property ${unknown.slice(0, 5).join(", ")}; it has ${[...known].slice(0, 10).join(", ") || "none"}`,
    };
}
