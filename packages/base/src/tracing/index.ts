export * from "./otlp-exporter.ts";
export * from "./trace-context.ts";
export * from "./tracer.ts";
