import type { ConfigSection } from "./config-section.ts";

/** Where traces go; undefined: nothing is traced. */
export interface TracingConfig {
  /** A collector's OTLP/HTTP address, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string;
}

/** Reads `skerry.tracing` of `cloudcore.yaml` and `edgecore.yaml`. */
export function readTracing(section: ConfigSection): TracingConfig | undefined {
  const endpoint = section.text("endpoint", "");
  section.finish();
  if (endpoint === "") return undefined;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    section.error("endpoint", "must be http://… or https://…, such as http://127.0.0.1:4318/v1/traces");
  return { endpoint };
}
