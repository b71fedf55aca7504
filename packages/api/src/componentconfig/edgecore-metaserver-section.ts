import type { ConfigSection } from "./config-section.ts";

/** The Kubernetes API for applications of the node; off unless it is switched on, as in KubeEdge. */
export interface MetaServerSection {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
  /** Path of a file with the bearer token that callers must bring; empty: every process of this machine may call. */
  readonly tokenFile: string;
}

const LISTEN = /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):(\d{1,5})$/;
const LOOPBACK = /^(127\.[0-9.]+|localhost|\[::1\])$/;

/** KubeEdge's `modules.metaManager.metaServer`, with a token besides. */
export function readMetaServer(section: ConfigSection): MetaServerSection {
  const enabled = section.flag("enable", false);
  const server = section.text("server", "127.0.0.1:10550");
  const [, host = "", port = ""] = LISTEN.exec(server) ?? [];
  if (host === "" || Number(port) > 65_535) section.error("server", "must be host:port");
  const tokenFile = section.text("tokenFile", "");
  if (enabled && host !== "" && !LOOPBACK.test(host) && tokenFile === "")
    section.error("server", "is not this machine alone, so tokenFile is needed");
  // Of KubeEdge's requireAuthorization, which has a TLS port of its own.
  section.ignore("dummyServer", "apiAudiences", "serviceAccountIssuers", "serviceAccountKeyFiles");
  section.ignore("tlsCaFile", "tlsCertFile", "tlsPrivateKeyFile");
  section.finish();
  return { enabled, address: host.replace(/^\[|\]$/g, ""), port: Number(port), tokenFile };
}
