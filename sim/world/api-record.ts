import { type DeviceStatus, deviceStatuses, type KubernetesObject } from "@skerry/api";
import { deviceNamed } from "../workload/names.ts";
import type { History } from "./history.ts";
import type { TrueChange } from "./watch-record.ts";

/** A change that the API server has committed. */
export interface CommittedChange extends Pick<TrueChange, "collection" | "revision"> {
  /** Undefined when it was deleted. */
  readonly after: KubernetesObject | undefined;
}

const DEVICE_STATUSES = `${deviceStatuses.group}/${deviceStatuses.resource}`;

/** What the true API server really did, for checkers. */
export class ApiRecord {
  readonly changes: TrueChange[] = [];
  readonly #history: History;
  readonly #shown = new Map<string, string>();
  #incarnation = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** Counts the histories; a restored backup begins another. */
  get incarnation(): number {
    return this.#incarnation;
  }

  add({ collection, revision, after }: CommittedChange): void {
    this.changes.push({ collection, revision, incarnation: this.#incarnation });
    if (collection === DEVICE_STATUSES && after) this.#show(after as DeviceStatus);
  }

  restored(): void {
    this.#incarnation++;
    this.#shown.clear();
    this.#history.add(undefined, { kind: "cloud-restored" });
  }

  #show({ metadata, status }: DeviceStatus): void {
    const device = metadata.name;
    const found = deviceNamed(device);
    const twin = status?.twins?.find(({ propertyName }) => propertyName === found?.kind.reported);
    const value = twin?.reported?.value;
    if (found === undefined || value === undefined || this.#shown.get(device) === value) return;
    this.#shown.set(device, value);
    this.#history.add(found.node, { kind: "twin-shown", device, value });
  }
}
