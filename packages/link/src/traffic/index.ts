export * from "./frame-bytes.ts";
export * from "./traffic-kind.ts";
export * from "./traffic-meter.ts";
