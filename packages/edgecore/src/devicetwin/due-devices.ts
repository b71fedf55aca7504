/** Of so many turns one is the longest waiting device's that changes on and on, however many others wait. */
const TURNS = 4;
/** From one of the devices that change on and on to the next at most so long. */
const LONGEST_GAP_MS = 50;

/**
 * Devices with something to tell the cloud, and when. Of those that are due, the ones that have changed once since they
 * were told go first: theirs is the last word, and somebody may wait for it. A device that has changed again changes on
 * and on; what it says is as new a moment later, so these are spread over the interval, instead of all at once each time
 * that it begins. Within both, who has waited longest goes first.
 */
export class DueDevices {
  /** Not due yet; monotonic times. */
  readonly #later = new Map<string, number>();
  /** Those of them that have changed again. */
  readonly #laterAgain = new Set<string>();
  readonly #changedOnce = new Set<string>();
  readonly #changing = new Set<string>();
  readonly #intervalMs: number;
  /** When the next of those that change on and on may be taken. */
  #nextChangingMs = 0;
  /** As many of them as have waited at the same time since none did. */
  #mostChanging = 0;
  /** When the first of those that are not due yet is. May be too early, never too late. */
  #nextMs = Number.POSITIVE_INFINITY;
  #turn = 0;

  /** `intervalMs`: in this time each device may be due once. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  has(deviceId: string): boolean {
    return this.#later.has(deviceId) || this.#isDue(deviceId);
  }

  /** The device is due then, or earlier if it was already. */
  add(deviceId: string, dueMs: number): void {
    if (this.#isDue(deviceId)) return;
    this.#later.set(deviceId, Math.min(this.#later.get(deviceId) ?? dueMs, dueMs));
    this.#nextMs = Math.min(this.#nextMs, dueMs);
  }

  /** A device that waits has changed once more. */
  changedAgain(deviceId: string): void {
    if (this.#changedOnce.delete(deviceId)) this.#changing.add(deviceId);
    else if (this.#later.has(deviceId)) this.#laterAgain.add(deviceId);
  }

  delete(deviceId: string): void {
    this.#later.delete(deviceId);
    this.#laterAgain.delete(deviceId);
    this.#changedOnce.delete(deviceId);
    this.#changing.delete(deviceId);
  }

  /** All are due now. */
  hurry(): void {
    this.#promote(Number.POSITIVE_INFINITY);
  }

  /** Takes the device whose turn it is; undefined when none is due that may be taken. */
  take(nowMs: number, mayTake: (deviceId: string) => boolean): string | undefined {
    if (this.#nextMs <= nowMs) this.#promote(nowMs);
    const lanes = [this.#changedOnce, this.#changing];
    this.#turn = (this.#turn + 1) % TURNS;
    if (this.#turn === 0) lanes.reverse();
    for (const lane of lanes) {
      if (lane === this.#changing && nowMs < this.#nextChangingMs) continue;
      for (const deviceId of lane) {
        if (!mayTake(deviceId)) continue;
        if (lane === this.#changing) this.#spread(nowMs);
        lane.delete(deviceId);
        return deviceId;
      }
    }
    return undefined;
  }

  /** When the first of those that are not to be taken now will be; infinite when there is none. */
  nextMs(nowMs: number): number {
    if (this.#nextMs <= nowMs) this.#promote(nowMs);
    const isSpread = this.#changing.size > 0 && nowMs < this.#nextChangingMs;
    return isSpread ? Math.min(this.#nextMs, this.#nextChangingMs) : this.#nextMs;
  }

  /** One of those that change on and on is taken. */
  #spread(nowMs: number): void {
    const { size } = this.#changing;
    this.#mostChanging = Math.max(this.#mostChanging, size);
    this.#nextChangingMs = nowMs + Math.min(LONGEST_GAP_MS, this.#intervalMs / this.#mostChanging);
    if (size === 1) this.#mostChanging = 0;
  }

  #isDue(deviceId: string): boolean {
    return this.#changedOnce.has(deviceId) || this.#changing.has(deviceId);
  }

  #promote(nowMs: number): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const [deviceId, dueMs] of this.#later) {
      if (dueMs > nowMs) {
        this.#nextMs = Math.min(this.#nextMs, dueMs);
        continue;
      }
      this.#later.delete(deviceId);
      (this.#laterAgain.delete(deviceId) ? this.#changing : this.#changedOnce).add(deviceId);
    }
  }
}
