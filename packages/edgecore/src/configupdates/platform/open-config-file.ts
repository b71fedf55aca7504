import { existsSync } from "node:fs";
import { type ParsedEdgeCoreConfig, parseEdgeCoreConfig } from "@skerry/api";
import { type ConfigFileOptions, configStatePath } from "../config-file.ts";
import type { ConfigUpdater } from "../config-updater.ts";

/** A configuration file with what jobs have changed of it. */
export interface OpenedConfigFile extends ParsedEdgeCoreConfig {
  /** Fields that jobs have changed, by path. */
  readonly changedFields: readonly string[];
  /** What changes it for jobs; loaded when it is needed. */
  readonly updater: () => Promise<ConfigUpdater>;
}

/**
 * Reads edgecore.yaml and the changes that are kept beside it.
 * @throws SkerryError `CONFIG_INVALID`, `EDGECORE_CONFIG_STATE_UNREADABLE`
 */
export async function openConfigFile(options: ConfigFileOptions): Promise<OpenedConfigFile> {
  const load = async () => new (await import("./config-file-updater.ts")).ConfigFileUpdater(options);
  if (existsSync(configStatePath(options.configFile))) {
    const updater = await load();
    const parsed = await updater.start();
    return { ...parsed, changedFields: Object.keys(updater.state.updates), updater: async () => updater };
  }
  const parsed = parseEdgeCoreConfig(await options.read());
  let loading: Promise<ConfigUpdater> | undefined;
  const updater = (): Promise<ConfigUpdater> => {
    loading ??= load();
    return loading;
  };
  return { ...parsed, changedFields: [], updater };
}
