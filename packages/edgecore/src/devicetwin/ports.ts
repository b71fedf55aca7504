import type { Clock, Logger, Random } from "@skerry/base";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import type { SampleRecorder } from "../telemetry/index.ts";
import type { DeviceBus } from "./device-bus.ts";
import type { DeviceTwinLimits } from "./limits.ts";

/** What DeviceTwin needs. */
export interface DeviceTwinPorts {
  readonly nodeName: string;
  readonly meta: MetaClient;
  readonly bus: DeviceBus;
  readonly cloudLink: CloudLink;
  /** At most one report of a device to the cloud in this time. @default 1 s */
  readonly reportIntervalMs?: number;
  /** Where every reported value goes, beside the twin that keeps the newest. @default noSampleRecorder */
  readonly samples?: SampleRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** @default defaultDeviceTwinLimits */
  readonly limits?: DeviceTwinLimits;
}

/** The same with nothing left open, as DeviceTwin's parts take it. */
export type DeviceTwinContext = Required<DeviceTwinPorts>;
