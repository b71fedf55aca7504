import { FIRST_DESIRED } from "../workload/names.ts";
import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/**
 * I7, and I6 where nothing is declared (else `declarations/`). A reported value is the device's: the API shows only values that it reported, in their
 * order. A desired value is the cloud's: the device is told only values that a user set, in their order, and an older one
 * never after a newer one. (A restored backup of either side begins anew.)
 */
export function checkValuesFollowTheirOwner(events: readonly HistoryEvent[]): Violation[] {
  const lines = new Map<string, DeviceLines>();
  const of = (device: string): DeviceLines => {
    const known = lines.get(device) ?? new DeviceLines(device);
    lines.set(device, known);
    return known;
  };
  for (const event of events) {
    switch (event.kind) {
      case "twin-reported":
        of(event.device).reported.owned(event.value);
        break;
      case "twin-shown":
        of(event.device).reported.shown(event.value, event.atMs);
        break;
      case "desired-set":
        of(event.device).desired.owned(event.value);
        break;
      case "desired-told":
        of(event.device).desired.shown(event.value, event.atMs);
        break;
      case "cloud-restored":
      case "database-restored":
        for (const { reported, desired } of lines.values()) {
          reported.beginAnew();
          desired.beginAnew();
        }
        break;
    }
  }
  return [...lines.values()].flatMap(({ reported, desired }) => [...reported.violations, ...desired.violations]);
}

/** What is reported of one device, and what is wanted of it. */
class DeviceLines {
  readonly reported: Line;
  readonly desired: Line;

  constructor(device: string) {
    this.reported = new Line("I7", `the API shows of ${device}`, "the device reported");
    this.desired = new Line("I6", `${device} was told`, "a user set");
    this.desired.owned(FIRST_DESIRED);
  }
}

/** Values that one side owns and the other shows. */
class Line {
  readonly violations: Violation[] = [];
  readonly #inOrder: "I6" | "I7";
  readonly #what: string;
  readonly #owner: string;
  readonly #values: string[] = [];
  #newest = -1;
  #from = 0;

  /** `inOrder`: what an older value after a newer one breaks. */
  constructor(inOrder: "I6" | "I7", what: string, owner: string) {
    this.#inOrder = inOrder;
    this.#what = what;
    this.#owner = owner;
  }

  owned(value: string): void {
    this.#values.push(value);
  }

  shown(value: string, atMs: number): void {
    const index = this.#values.indexOf(value);
    if (index < 0) this.#violate("I7", `${this.#what} ${value} at ${atMs} ms, which is not what ${this.#owner}`);
    // Of values from before a restored backup either side may know one or the other.
    else if (index < this.#newest && index >= this.#from)
      this.#violate(
        this.#inOrder,
        `${this.#what} ${value} at ${atMs} ms, after the newer ${this.#values[this.#newest]}`,
      );
    this.#newest = Math.max(this.#newest, index);
  }

  beginAnew(): void {
    this.#newest = -1;
    this.#from = this.#values.length;
  }

  #violate(invariant: "I6" | "I7", message: string): void {
    this.violations.push({ invariant, message });
  }
}
