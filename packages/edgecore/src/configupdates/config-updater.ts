import type { FieldUpdates, FieldUpdatesReading } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import type { ConfigState } from "./config-state.ts";

/** Changes this node's configuration for jobs. */
export interface ConfigUpdater {
  /** As it was written last. */
  readonly state: ConfigState;
  /** Reads the fields of a job for the configuration as it is now, and says what is wrong with them. */
  check(fields: JsonValue | undefined): Promise<FieldUpdatesReading>;
  /** Whether the updates would change anything. */
  changes(updates: FieldUpdates): Promise<boolean>;
  /**
   * All of it or nothing is on disk afterwards.
   * @throws SkerryError `EDGECORE_CONFIG_STATE_UNWRITABLE`
   */
  write(state: ConfigState): Promise<void>;
  /** Ends EdgeCore; what watches over it starts it again, with the configuration as it is then. */
  restart(): void;
}
