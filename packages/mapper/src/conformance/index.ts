export { type CheckName, type CheckResult, checks } from "./check.ts";
export { type ConformanceOptions, type ConformancePorts, ConformanceRun } from "./conformance-run.ts";
