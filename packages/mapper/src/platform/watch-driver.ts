import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { type Clock, type Logger, Mutex, type Timer } from "@skerry/base";
import type { Driver } from "../driver.ts";
import { type LoadedDriver, loadDriverFiles } from "./load-driver.ts";

export interface WatchDriverPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The driver has changed. */
  readonly onDriver: (driver: Driver) => Promise<void>;
  /** What was written cannot be used; the one before stays. */
  readonly onBroken: (error: unknown) => void;
}

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** Follows a driver's files and loads it anew when one of them changes. */
export class DriverWatcher implements Disposable {
  readonly #file: string;
  readonly #ports: WatchDriverPorts;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #loading = new Mutex();
  #files: ReadonlySet<string>;
  #generation = 0;
  #settling: Timer | undefined;
  #isDisposed = false;

  constructor(file: string, loaded: LoadedDriver, ports: WatchDriverPorts) {
    this.#file = file;
    this.#ports = ports;
    this.#files = new Set(loaded.files);
    this.#watch();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#settling?.cancel();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Folders, not files: editors put a new file in the old one's place. */
  #watch(): void {
    for (const folder of new Set([...this.#files].map((file) => dirname(file)))) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, (_event, name) => {
        const isMeant = [...this.#files].some((file) => dirname(file) === folder && basename(file) === name);
        if (name === null || isMeant) this.#changed();
      });
      watcher.on("error", (error) =>
        this.#ports.logger.warn("A folder cannot be watched", { folder, error: error.message }),
      );
      this.#watchers.set(folder, watcher);
    }
  }

  #changed(): void {
    this.#settling?.cancel();
    this.#settling = this.#ports.clock.setTimer(SETTLE_MS, () => void this.#loading.run(() => this.#load()));
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    if (this.#isDisposed) return;
    try {
      const { driver, files } = await loadDriverFiles(this.#file, ++this.#generation);
      this.#files = new Set(files);
      this.#watch();
      if (!this.#isDisposed) await this.#ports.onDriver(driver);
    } catch (error) {
      this.#ports.onBroken(error);
    }
  }
}
