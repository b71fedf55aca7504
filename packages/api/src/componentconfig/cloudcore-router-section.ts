import type { ConfigSection } from "./config-section.ts";

/** The way between HTTP in the cloud and MQTT or HTTP at the edge; off unless it is switched on, as in KubeEdge. */
export interface RouterConfig {
  readonly enabled: boolean;
  readonly listen: { readonly address: string; readonly port: number };
  /** How long an answer of a service at the edge may take. */
  readonly restTimeoutMs: number;
  /** Paths; both or none. With them the entry speaks HTTPS. */
  readonly tls?: { readonly certificateFile: string; readonly privateKeyFile: string };
  /** Path of a file with the bearer token that callers must bring; empty: anyone who reaches the port may call. */
  readonly tokenFile: string;
}

/** KubeEdge's `modules.router`, with TLS and a token besides. */
export function readRouter(section: ConfigSection): RouterConfig {
  const certificateFile = section.text("tlsCertFile", "");
  const privateKeyFile = section.text("tlsPrivateKeyFile", "");
  if ((certificateFile === "") !== (privateKeyFile === ""))
    section.error("tlsCertFile", "and tlsPrivateKeyFile are needed both, or neither");
  const config = {
    enabled: section.flag("enable", false),
    listen: { address: section.text("address", "0.0.0.0"), port: section.port("port", 9_443) },
    restTimeoutMs: section.integer("restTimeout", 60, { minimum: 1, maximum: 3_600 }) * 1_000,
    ...(certificateFile === "" ? {} : { tls: { certificateFile, privateKeyFile } }),
    tokenFile: section.text("tokenFile", ""),
  };
  section.finish();
  return config;
}
