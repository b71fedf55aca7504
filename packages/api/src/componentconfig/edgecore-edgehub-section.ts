import type { ConfigSection } from "./config-section.ts";

/** How the node reaches the cloud. */
export interface EdgeHubSection {
  readonly enabled: boolean;
  /** `host:port` of CloudCore's WebSocket port, and of its other replicas'. */
  readonly servers: readonly string[];
  /** `https://host:port` of CloudCore's HTTPS port. */
  readonly httpServer: string;
  /** The same of its other replicas. */
  readonly otherHttpServers: readonly string[];
  readonly projectId: string;
  /** Join token; empty when there is none. */
  readonly token: string;
  readonly keepaliveMs: number;
  readonly pingPeriodMs: number;
  readonly rotateCertificates: boolean;
  /** `kubeedge`: Skerry's delivery is not even offered to the cloud. */
  readonly delivery: "skerry" | "kubeedge";
  readonly authorityFile: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

const DEFAULT_SERVER = "127.0.0.1:10000";
const SECONDS = { minimum: 1, maximum: 3600 };
/** The cloud ends a session after 30 s without a keepalive (wire.md 5.3). */
const KEEPALIVE_SECONDS = { minimum: 1, maximum: 29 };

/** KubeEdge's `modules.edgeHub`. */
export function readEdgeHub(hub: ConfigSection, extras: ConfigSection): EdgeHubSection {
  const enabled = hub.flag("enable", true);
  if (!enabled) hub.warn("enable", "it is false, so this node never connects to the cloud");
  const webSocket = hub.section("websocket");
  if (!webSocket.flag("enable", true))
    webSocket.warn("enable", "it is the only way to the cloud, so it is used all the same");
  const server = readAddress(webSocket, "server", DEFAULT_SERVER);
  webSocket.ignore("handshakeTimeout", "readDeadline", "writeDeadline");
  webSocket.finish();
  const quic = hub.section("quic");
  if (quic.flag("enable", false)) quic.warn("enable", "Google's old QUIC is not spoken; the WebSocket port is used");
  return finish(hub, extras, enabled, server);
}

/** The short form's `spec.cloudHub` (`server: wss://host:10000`), with the rest as in `edgeHub`. */
export function readShortCloudHub(cloudHub: ConfigSection, hub: ConfigSection, extras: ConfigSection): EdgeHubSection {
  const server = readAddress(cloudHub, "server", DEFAULT_SERVER);
  const section = finish(hub, extras, hub.flag("enable", true), server);
  const httpServer = cloudHub.text("httpServer", "");
  const token = cloudHub.text("token", "");
  cloudHub.finish();
  return {
    ...section,
    ...(httpServer === "" ? {} : { httpServer }),
    ...(token === "" ? {} : { token }),
  };
}

function finish(hub: ConfigSection, extras: ConfigSection, enabled: boolean, server: string): EdgeHubSection {
  const more = extras.texts("servers", []);
  const httpServer = readHttpServer(hub, `https://${hostOf(server)}:10002`);
  const httpPort = new URL(httpServer).port || "443";
  const otherHttpServers = extras.texts(
    "httpServers",
    more.map((other) => `https://${hostOf(other)}:${httpPort}`),
  );
  const section: EdgeHubSection = {
    enabled,
    servers: [server, ...more],
    httpServer,
    otherHttpServers: otherHttpServers.filter((other) => other !== httpServer),
    projectId: hub.text("projectID", "e632aba927ea4ac2b575ec1603d56f10"),
    token: hub.text("token", "").trim(),
    keepaliveMs: hub.integer("heartbeat", 15, KEEPALIVE_SECONDS) * 1000,
    pingPeriodMs: extras.integer("pingPeriod", 5, SECONDS) * 1000,
    delivery: readDelivery(extras),
    rotateCertificates: hub.flag("rotateCertificates", true),
    authorityFile: hub.text("tlsCaFile", "/etc/kubeedge/ca/rootCA.crt"),
    certificateFile: hub.text("tlsCertFile", "/etc/kubeedge/certs/server.crt"),
    privateKeyFile: hub.text("tlsPrivateKeyFile", "/etc/kubeedge/certs/server.key"),
  };
  for (const address of more)
    if (!isHostAndPort(address)) extras.error("servers", `holds "${address}", which is no host:port`);
  for (const address of otherHttpServers)
    if (!isHttpsUrl(address)) extras.error("httpServers", `holds "${address}", which is no https://host:port`);
  // What is sent is bounded by the answers that are awaited, not by a rate.
  hub.ignore("messageQPS", "messageBurst");
  hub.finish();
  return section;
}

function readDelivery(extras: ConfigSection): EdgeHubSection["delivery"] {
  const text = extras.text("delivery", "skerry");
  if (text === "skerry" || text === "kubeedge") return text;
  extras.error("delivery", `must be skerry or kubeedge, it is "${text.slice(0, 100)}"`);
  return "skerry";
}

/** `host:port`, also written as `wss://host:port`. */
function readAddress(section: ConfigSection, name: string, fallback: string): string {
  const text = section.text(name, fallback);
  const bare = text.replace(/^wss?:\/\//, "").replace(/\/.*$/, "");
  const address = /:\d+$/.test(bare) ? bare : `${bare}:10000`;
  if (isHostAndPort(address)) return address;
  section.error(name, `must be host:port or wss://host:port, it is "${text.slice(0, 100)}"`);
  return fallback;
}

function readHttpServer(hub: ConfigSection, fallback: string): string {
  const text = hub.text("httpServer", fallback);
  if (isHttpsUrl(text)) return text;
  hub.error("httpServer", `must be https://host:port, it is "${text.slice(0, 100)}"`);
  return fallback;
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "https:";
}

/** The host of `host:port`. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** Whether an address has the form `host:port`. */
export function isHostAndPort(text: string): boolean {
  const url = `wss://${text}`;
  return /^[^\s/@?#]+:\d{1,5}$/.test(text) && URL.canParse(url) && new URL(url).hostname !== "";
}
