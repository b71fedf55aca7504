import {
  apiVersionOf,
  type Device,
  type DeviceReportedState,
  type DeviceStatus,
  deviceStatuses,
  devices,
  type KubernetesObject,
  type ResourceReference,
} from "@skerry/api";
import { type Clock, type JsonObject, type JsonValue, type Logger, type Random, toKubernetesTime } from "@skerry/base";
import {
  ApiError,
  failureStatus,
  isApiError,
  jsonEqual,
  type KubernetesApi,
  type ObjectTarget,
  WorkQueue,
} from "@skerry/kube";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";
import type { DeviceObjects } from "./device-objects.ts";
import { applyReport, type DeviceReport, mergeReports } from "./device-reports.ts";

/** What a {@link DeviceStatusWriter} lives on. */
export interface DeviceStatusWriterOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly objects: DeviceObjects;
  /** Says whether a node's session is still the one that may write. */
  readonly cloudHub: Pick<CloudHubPort, "mayWrite">;
}

interface PendingReport {
  report: DeviceReport;
  readonly settled: PromiseWithResolvers<void>;
}

/** Devices written at the same time. */
const WRITE_CONCURRENCY = 8;
/** From one write of a device to its next, in milliseconds; the first report after a pause is written at once. */
const WRITE_INTERVAL_MS = 250;
/** What is later is no time of day that Kubernetes can write. */
const LATEST_MS = Date.UTC(9999, 0);
/** Writes remembered: the time of each until it is over, and what the newest have led to. */
const REMEMBERED_WRITES = 2_000;

/**
 * Writes what nodes report into the DeviceStatus, and into the Device's own status, where users look first. One write at
 * a time per device, and a few a second: what comes meanwhile is merged, newest value first, and goes with the next one,
 * so that a device that reports often costs the API server no more than one that reports now and then. A report counts as accepted only once it is stored.
 */
export class DeviceStatusWriter implements AsyncDisposable {
  readonly #options: DeviceStatusWriterOptions;
  readonly #pending = new Map<string, PendingReport>();
  /** When a device may be written again, monotonic. */
  readonly #notBeforeMs = new Map<string, number>();
  /** As they were last written, so that the next write needs no read before it; a conflict shows an old one. */
  readonly #lastWritten = new Map<string, DeviceStatus>();
  readonly #writes: WorkQueue;

  constructor(options: DeviceStatusWriterOptions) {
    this.#options = options;
    this.#writes = new WorkQueue({
      clock: options.clock,
      random: options.random,
      logger: options.logger.child("device-status"),
      concurrency: WRITE_CONCURRENCY,
      retry: { initialMs: 20, maximumMs: 10_000 },
      work: (key) => this.#write(key),
    });
  }

  start(): void {
    this.#writes.start();
  }

  /** Takes a report; resolves when it is stored, rejects when the device is not (or no longer) the node's. */
  report(nodeName: string, namespace: string, name: string, report: DeviceReport): Promise<void> {
    const key = `${nodeName} ${namespace}/${name}`;
    const pending = this.#pending.get(key);
    if (pending) {
      pending.report = mergeReports(pending.report, report);
      return pending.settled.promise;
    }
    const settled = Promise.withResolvers<void>();
    this.#pending.set(key, { report, settled });
    const nowMs = this.#options.clock.monotonicMs();
    this.#writes.addAfter(key, (this.#notBeforeMs.get(key) ?? nowMs) - nowMs);
    return settled.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writes[Symbol.asyncDispose]();
    for (const { settled } of this.#pending.values()) settled.reject(unavailable("CloudCore is stopping"));
    this.#pending.clear();
  }

  async #write(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (!pending) return;
    // What comes from now on goes with the next write.
    this.#pending.delete(key);
    this.#noteWrite(key);
    const [nodeName = "", path = ""] = key.split(" ");
    const [namespace = "", name = ""] = path.split("/");
    const device = this.#options.objects.deviceOf(nodeName, namespace, name);
    if (!device) {
      pending.settled.reject(unknownDevice(nodeName, namespace, name));
      return;
    }
    let state: DeviceReportedState;
    try {
      // It may have waited: the node may have gone to another CloudCore meanwhile, and said newer things there.
      const verdict = await this.#options.cloudHub.mayWrite(nodeName);
      if (verdict === "over") {
        pending.settled.reject(sessionOver(nodeName));
        return;
      }
      if (verdict === "unknown") throw unavailable("the Kubernetes API does not answer CloudCore");
      state = await this.#writeDeviceStatus(key, device, pending.report);
    } catch (error) {
      this.#lastWritten.delete(key);
      if (isRefusal(error)) {
        pending.settled.reject(error);
        return;
      }
      this.#putBack(key, pending);
      throw error;
    }
    pending.settled.resolve();
    try {
      await this.#mirror(device, state);
    } catch (error) {
      this.#putBack(key, unanswered(pending.report));
      throw error;
    }
  }

  #noteWrite(key: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#notBeforeMs.size >= REMEMBERED_WRITES)
      for (const [other, dueMs] of this.#notBeforeMs) if (dueMs <= nowMs) this.#notBeforeMs.delete(other);
    this.#notBeforeMs.set(key, nowMs + WRITE_INTERVAL_MS);
  }

  /** A write that failed for now: its report goes with the next try, below what has come meanwhile. */
  #putBack(key: string, failed: PendingReport): void {
    const newer = this.#pending.get(key);
    if (!newer) {
      this.#pending.set(key, failed);
      return;
    }
    newer.report = mergeReports(failed.report, newer.report);
    newer.settled.promise.then(failed.settled.resolve, failed.settled.reject);
  }

  async #writeDeviceStatus(key: string, device: Device, report: DeviceReport): Promise<DeviceReportedState> {
    const properties = new Set(
      [...(device.spec?.properties ?? []), ...(this.#options.objects.modelOf(device)?.spec?.properties ?? [])].map(
        (property) => property.name,
      ),
    );
    const stateAfter = (stored: DeviceReportedState): DeviceReportedState =>
      applyReport(stored, report, (property) => properties.has(property));
    // A device that shows nothing yet has hardly ever a DeviceStatus: that is tried first, without a read before it.
    const known = this.#lastWritten.get(key) ?? (showsReports(device) ? await this.#find(device) : undefined);
    if (known === undefined) {
      const state = stateAfter({});
      const created = await this.#create(device, state);
      if (created) {
        this.#remember(key, created);
        return state;
      }
    }
    const { namespace = "", name } = device.metadata;
    const stored = known ?? (await this.#read(device));
    const state = stateAfter(stored.status ?? {});
    this.#remember(key, await this.#patchStatus(deviceStatuses, namespace, name, state, stored));
    return state;
  }

  #remember(key: string, written: DeviceStatus): void {
    this.#lastWritten.delete(key);
    this.#lastWritten.set(key, written);
    for (const oldest of this.#lastWritten.keys()) {
      if (this.#lastWritten.size <= REMEMBERED_WRITES) break;
      this.#lastWritten.delete(oldest);
    }
  }

  #read({ metadata: { namespace = "", name } }: Device): Promise<DeviceStatus> {
    return this.#options.api.get<DeviceStatus>({ resource: deviceStatuses, namespace, name });
  }

  async #find(device: Device): Promise<DeviceStatus | undefined> {
    try {
      return await this.#read(device);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Makes the device's DeviceStatus, which is removed with the Device; undefined when there is one. */
  async #create(device: Device, state: DeviceReportedState): Promise<DeviceStatus | undefined> {
    const { namespace = "", name, uid = "" } = device.metadata;
    const owner = { apiVersion: apiVersionOf(devices), kind: "Device", name, uid, controller: true };
    const body: DeviceStatus = {
      apiVersion: apiVersionOf(deviceStatuses),
      kind: "DeviceStatus",
      metadata: { name, namespace, ownerReferences: [{ ...owner, blockOwnerDeletion: true }] },
      spec: {},
      status: state,
    };
    let created: DeviceStatus;
    try {
      created = await this.#options.api.create<DeviceStatus>({ resource: deviceStatuses, namespace }, body);
    } catch (error) {
      if (isApiError(error, "AlreadyExists")) return undefined;
      throw error;
    }
    if (holds(created.status, { ...state } as JsonObject)) return created;
    return await this.#patchStatus(deviceStatuses, namespace, name, state, created);
  }

  /**
   * A mirror that the server refuses is not worth a report: the next one repairs it.
   * @throws SkerryError when no answer came
   */
  async #mirror(device: Device, state: DeviceReportedState): Promise<void> {
    const { namespace = "", name } = device.metadata;
    try {
      await this.#patchStatus(devices, namespace, name, { ...state, ...lastReportedTime(state) }, undefined);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#options.logger.warn("Cannot show a report in the Device's status", {
        device: `${namespace}/${name}`,
        reason: error.message,
      });
    }
  }

  /**
   * KubeEdge's definitions have no status subresource: the status is written with the object. Where a definition has
   * one, the server leaves the status as it was, and it is written there.
   */
  async #patchStatus(
    resource: ResourceReference,
    namespace: string,
    name: string,
    state: DeviceReportedState,
    base: KubernetesObject | undefined,
  ): Promise<DeviceStatus> {
    const { api } = this.#options;
    const target: ObjectTarget = { resource, namespace, name };
    const status: JsonObject = { ...state } as JsonObject;
    const version = base?.metadata.resourceVersion;
    const body: JsonObject = { ...(version ? { metadata: { resourceVersion: version } } : {}), status };
    const written = await api.patch<DeviceStatus>(target, { type: "merge", body });
    if (holds(written.status, status)) return written;
    return await api.patch<DeviceStatus>({ ...target, subresource: "status" }, { type: "merge", body: { status } });
  }
}

/**
 * A report whose node has its answer, to be written once more. What joins it waits for that write: with the old promise,
 * which is settled, it would be answered before it is stored.
 */
function unanswered(report: DeviceReport): PendingReport {
  const settled = Promise.withResolvers<void>();
  settled.promise.catch(() => {}); // Nobody may be waiting for it.
  return { report, settled };
}

/** When the newest value was reported; nothing while none was, or when the edge gives no times. */
function lastReportedTime({ twins = [] }: DeviceReportedState): { lastReportedTime?: string } {
  const newestMs = Math.max(0, ...twins.map(({ reported }) => Number(reported?.metadata?.["timestamp"]) || 0));
  return newestMs > 0 && newestMs < LATEST_MS ? { lastReportedTime: toKubernetesTime(newestMs) } : {};
}

function showsReports({ status }: Device): boolean {
  return [status?.twins, status?.state, status?.lastOnlineTime].some((reported) => reported !== undefined);
}

function holds(written: object | undefined, wanted: JsonObject): boolean {
  const members = (written ?? {}) as JsonObject;
  return Object.entries(wanted).every(([name, value]) =>
    jsonEqual(members[name] ?? null, (value ?? null) as JsonValue),
  );
}

/** The API server says that this will never do; anything else is worth another try. */
function isRefusal(error: unknown): boolean {
  return isApiError(error, "Invalid") || isApiError(error, "Forbidden") || isApiError(error, "BadRequest");
}

function unknownDevice(nodeName: string, namespace: string, name: string): ApiError {
  return new ApiError(
    failureStatus(404, "NotFound", `no device "${namespace}/${name}" is bound to node "${nodeName}"`, {
      name,
      kind: "devices",
      group: devices.group,
    }),
  );
}

/** The node sends it again in its next session, wherever that is. */
function sessionOver(nodeName: string): ApiError {
  return unavailable(`the session of node "${nodeName}" is over`);
}

function unavailable(what: string): ApiError {
  return new ApiError(failureStatus(503, "ServiceUnavailable", what));
}
