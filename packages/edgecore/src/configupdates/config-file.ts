import { basename, dirname, join } from "node:path";
import type { JsonValue } from "@skerry/base";

/** The configuration file that EdgeCore runs from. */
export interface ConfigFileOptions {
  /** Path of edgecore.yaml. */
  readonly configFile: string;
  /** Reads edgecore.yaml as JSON values. */
  readonly read: () => Promise<JsonValue>;
  /** Ends this process so that it is started again. */
  readonly restart: () => void;
}

/** Where the changes that jobs made of a configuration file are: beside it. */
export function configStatePath(configFile: string): string {
  return join(dirname(configFile), `${basename(configFile).replace(/\.(ya?ml|json)$/, "")}.updates.json`);
}
