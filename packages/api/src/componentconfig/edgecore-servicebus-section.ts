import type { ConfigSection } from "./config-section.ts";

/** Between HTTP services of the node and the cloud's router; off unless it is switched on, as in KubeEdge. */
export interface ServiceBusSection {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
  /** How long an answer from the cloud may take. */
  readonly timeoutMs: number;
  /** Paths; with them the local entry speaks HTTPS. */
  readonly tls?: { readonly certificateFile: string; readonly privateKeyFile: string };
}

/** KubeEdge's `modules.serviceBus`. */
export function readServiceBus(section: ConfigSection): ServiceBusSection {
  const certificateFile = section.text("tlsCertFile", "");
  const privateKeyFile = section.text("tlsPrivateKeyFile", "");
  if ((certificateFile === "") !== (privateKeyFile === ""))
    section.error("tlsCertFile", "and tlsPrivateKeyFile are needed both, or neither");
  const read = {
    enabled: section.flag("enable", false),
    address: section.text("server", "127.0.0.1"),
    port: section.port("port", 9_060),
    timeoutMs: section.integer("timeout", 60, { minimum: 1, maximum: 3_600 }) * 1_000,
    ...(certificateFile === "" ? {} : { tls: { certificateFile, privateKeyFile } }),
  };
  section.finish();
  return read;
}
