import { CLOUD_FAULTS } from "./cloud-faults.ts";
import type { Fault } from "./fault.ts";
import { LINK_FAULTS } from "./link-faults.ts";
import { MACHINE_FAULTS } from "./machine-faults.ts";
import { VERSION_FAULTS } from "./version-faults.ts";

/** Every kind of fault that a schedule may hold. */
export const FAULTS: readonly Fault[] = [...LINK_FAULTS, ...MACHINE_FAULTS, ...CLOUD_FAULTS, ...VERSION_FAULTS];
