import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type FieldUpdates,
  type FieldUpdatesReading,
  type ParsedEdgeCoreConfig,
  parseEdgeCoreConfig,
  readFieldUpdates,
  withFieldUpdates,
} from "@skerry/api";
import { describeError, type JsonValue } from "@skerry/base";
import { type ConfigFileOptions, configStatePath } from "../config-file.ts";
import { type ConfigState, countStart, failTrial, NO_CONFIG_STATE, readConfigState } from "../config-state.ts";
import type { ConfigUpdater } from "../config-updater.ts";
import { configStateUnreadable, configStateUnwritable } from "../errors.ts";

const LONGEST_FILE_BYTES = 1024 * 1024;

/** The {@link ConfigUpdater} of an EdgeCore that runs from a file. */
export class ConfigFileUpdater implements ConfigUpdater {
  readonly #options: ConfigFileOptions;
  readonly #path: string;
  #state: ConfigState = NO_CONFIG_STATE;

  constructor(options: ConfigFileOptions) {
    this.#options = options;
    this.#path = configStatePath(options.configFile);
  }

  get state(): ConfigState {
    return this.#state;
  }

  /** Where the changes are. */
  get path(): string {
    return this.#path;
  }

  /**
   * The configuration that EdgeCore is to start with. One that cannot be used any more because of an update that has not
   * proved itself is taken back at once.
   * @throws SkerryError `CONFIG_INVALID`, `EDGECORE_CONFIG_STATE_UNREADABLE`
   */
  async start(): Promise<ParsedEdgeCoreConfig> {
    const file = await this.#options.read();
    this.#state = await this.#readState();
    if (!this.#state.trial) return this.#parse(file);
    await this.#enter(countStart(this.#state));
    try {
      return this.#parse(file);
    } catch (error) {
      await this.#enter(failTrial(this.#state, describeError(error)));
      return this.#parse(file);
    }
  }

  async check(fields: JsonValue | undefined): Promise<FieldUpdatesReading> {
    return readFieldUpdates(await this.#current(), fields);
  }

  async changes(updates: FieldUpdates): Promise<boolean> {
    const current = await this.#current();
    return JSON.stringify(withFieldUpdates(current, updates)) !== JSON.stringify(current);
  }

  async write(state: ConfigState): Promise<void> {
    const temporary = `${this.#path}.new`;
    try {
      {
        await using handle = await open(temporary, "w", 0o600);
        await handle.writeFile(`${JSON.stringify(state, null, 2)}\n`);
        await handle.sync();
      }
      await rename(temporary, this.#path);
      await using folder = await open(dirname(this.#path), "r");
      await folder.sync();
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw configStateUnwritable(this.#path, error);
    }
    this.#state = state;
  }

  restart(): void {
    this.#options.restart();
  }

  /** A disk without room keeps no node from starting: what could not be written is found anew at the next start. */
  async #enter(state: ConfigState): Promise<void> {
    await this.write(state).catch(() => undefined);
    this.#state = state;
  }

  async #current(): Promise<JsonValue> {
    return withFieldUpdates(await this.#options.read(), this.#state.updates);
  }

  #parse(file: JsonValue): ParsedEdgeCoreConfig {
    return parseEdgeCoreConfig(withFieldUpdates(file, this.#state.updates));
  }

  async #readState(): Promise<ConfigState> {
    let text: string;
    try {
      if ((await stat(this.#path)).size > LONGEST_FILE_BYTES)
        throw configStateUnreadable(this.#path, "it is too large");
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return NO_CONFIG_STATE;
      throw configStateUnreadable(this.#path, describeError(error));
    }
    const state = readConfigState(text);
    if (!state) throw configStateUnreadable(this.#path, "it is not what EdgeCore writes there");
    return state;
  }
}
