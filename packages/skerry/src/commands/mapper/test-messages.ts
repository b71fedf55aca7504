import type { CheckName, CheckResult } from "@skerry/mapper";

/** What the process that runs a driver under test gets first. */
export interface TestRequest {
  readonly driverFile: string;
  readonly deviceFile: string;
  readonly modelFile: string;
  readonly callTimeoutMs: number;
  readonly writes: boolean;
}

/** What it tells. */
export type TestMessage =
  | { readonly kind: "protocol"; readonly protocol: string }
  | { readonly kind: "looking"; readonly check: CheckName; readonly property?: string }
  | { readonly kind: "result"; readonly result: CheckResult }
  /** It still gets to run. */
  | { readonly kind: "alive" }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly advice: string }
  | { readonly kind: "done" };

export const ALIVE_EVERY_MS = 500;
