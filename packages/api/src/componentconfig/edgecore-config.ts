import { dirname, join } from "node:path";
import { isJsonObject, type JsonValue } from "@skerry/base";
import { ConfigFindings, ConfigSection } from "./config-section.ts";
import { type EdgedSection, readEdged } from "./edgecore-edged-section.ts";
import {
  type EdgeHubSection,
  hostOf,
  isHostAndPort,
  readEdgeHub,
  readShortCloudHub,
} from "./edgecore-edgehub-section.ts";
import { type EventBusSection, readEventBus } from "./edgecore-eventbus-section.ts";
import { type MetaServerSection, readMetaServer } from "./edgecore-metaserver-section.ts";
import { readServiceBus, type ServiceBusSection } from "./edgecore-servicebus-section.ts";
import { readSampleRing, type SampleRingConfig } from "./telemetry-section.ts";
import { readTracing, type TracingConfig } from "./tracing-section.ts";

/** EdgeCore's configuration, checked and complete. */
export interface EdgeCoreConfig {
  /** Empty: this machine's host name. */
  readonly nodeName: string;
  readonly databasePath: string;
  readonly edgeHub: EdgeHubSection;
  readonly metaManager: { readonly requestTimeoutMs: number; readonly metaServer: MetaServerSection };
  readonly edged: EdgedSection;
  readonly deviceTwin: {
    readonly enabled: boolean;
    /** Where mappers find this node. */
    readonly dmiSocketPath: string;
    /** At most one report of a device to the cloud in this time. */
    readonly reportIntervalMs: number;
  };
  /** Where samples of devices are kept; undefined: nowhere. */
  readonly telemetry: SampleRingConfig | undefined;
  readonly tracing: TracingConfig | undefined;
  readonly eventBus: EventBusSection;
  readonly serviceBus: ServiceBusSection;
  readonly edgeStream: EdgeStreamSection;
  /** Jobs of the cloud; off unless it is switched on, as in KubeEdge. */
  readonly taskManager: { readonly enabled: boolean };
}

/** The tunnel for kubectl logs, exec, attach and port-forward; off unless it is switched on, as in KubeEdge. */
export interface EdgeStreamSection {
  readonly enabled: boolean;
  /** `host:port` of CloudCore's tunnel port, and of its other replicas'. */
  readonly servers: readonly string[];
}

export interface ParsedEdgeCoreConfig {
  readonly config: EdgeCoreConfig;
  /** What in the file has no effect, one sentence each. */
  readonly warnings: readonly string[];
}

const DMI_FOLDER = "/etc/kubeedge/";

/** RFC 1123 subdomain, as Kubernetes wants it of a node. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Reads a parsed `edgecore.yaml`: KubeEdge's v1alpha2, its older v1alpha1 (both `modules`), or the short form (`spec`
 * with `nodeID` and `cloudHub.server`; its other modules are written as under `modules`).
 * @throws SkerryError `CONFIG_INVALID` naming every wrong field
 */
export function parseEdgeCoreConfig(file: JsonValue | undefined): ParsedEdgeCoreConfig {
  const findings = new ConfigFindings();
  const root = new ConfigSection(file, "", findings);
  checkKind(file, findings);
  root.ignore("apiVersion", "kind", "metadata", "edgecoreVersion", "featureGates");
  const database = root.section("database");
  const databasePath = database.text("dataSource", "/var/lib/kubeedge/edgecore.db");
  database.ignore("driverName", "aliasName");
  database.finish();
  const isShortForm = !root.has("modules") && root.has("spec");
  const modules = root.section(isShortForm ? "spec" : "modules");
  const extras = root.section("skerry");
  const { nodeName, edged } = readEdged(modules.section("edged"), extras);
  const shortName = isShortForm ? modules.text("nodeID", "") : "";
  const hub = isShortForm
    ? readShortCloudHub(modules.section("cloudHub"), modules.section("edgeHub"), extras)
    : readEdgeHub(modules.section("edgeHub"), extras);
  const config: EdgeCoreConfig = {
    nodeName: shortName || nodeName,
    databasePath,
    edgeHub: hub,
    metaManager: readMetaManager(modules.section("metaManager")),
    edged,
    deviceTwin: readDeviceTwin(modules.section("deviceTwin")),
    telemetry: readSampleRing(extras.section("telemetry"), databasePath),
    tracing: readTracing(extras.section("tracing")),
    eventBus: readEventBus(modules.section("eventBus")),
    serviceBus: readServiceBus(modules.section("serviceBus")),
    edgeStream: readEdgeStream(modules.section("edgeStream"), extras, hub.servers.slice(1)),
    taskManager: readTaskManager(modules.section("taskManager")),
  };
  if (config.nodeName !== "" && !isNodeName(config.nodeName)) {
    const field = shortName ? "spec.nodeID" : "modules.edged.hostnameOverride";
    findings.errors.push(`${field} must be a node's name: lower-case letters, digits, '-' and '.'`);
  }
  if (modules.section("dbTest").flag("enable", false))
    modules.warn("dbTest", "this module is not part of this version");
  extras.finish();
  modules.finish();
  root.finish();
  findings.throwIfWrong("EdgeCore");
  return { config, warnings: findings.warnings };
}

/** The configuration of an empty file. */
export function defaultEdgeCoreConfig(): EdgeCoreConfig {
  return parseEdgeCoreConfig(undefined).config;
}

function isNodeName(text: string): boolean {
  return text.length <= 253 && NODE_NAME.test(text);
}

function checkKind(file: JsonValue | undefined, findings: ConfigFindings): void {
  const kind = isJsonObject(file) ? file["kind"] : undefined;
  if (kind !== undefined && kind !== "EdgeCore")
    findings.errors.push(`kind must be EdgeCore, it is ${JSON.stringify(kind).slice(0, 80)}`);
}

function readMetaManager(section: ConfigSection): EdgeCoreConfig["metaManager"] {
  if (!section.flag("enable", true)) section.warn("enable", "EdgeCore cannot work without it, so it runs all the same");
  const requestTimeoutMs = section.durationMs("remoteQueryTimeout", 60_000);
  const metaServer = readMetaServer(section.section("metaServer"));
  section.ignore("contextSendGroup", "contextSendModule");
  section.finish();
  return { requestTimeoutMs, metaServer };
}

function readDeviceTwin(section: ConfigSection): EdgeCoreConfig["deviceTwin"] {
  const enabled = section.flag("enable", true);
  // A folder; of a value that ends in .sock only the folder counts, as in KubeEdge (devices.md 7.1).
  const configured = section.text("dmiSockPath", DMI_FOLDER) || DMI_FOLDER;
  const folder = configured.endsWith(".sock") ? dirname(configured) : configured;
  // The short form's own field.
  const reportIntervalMs = section.integer("updateInterval", 1, { minimum: 0, maximum: 86_400 }) * 1000;
  section.finish();
  return { enabled, dmiSocketPath: join(folder, "dmi.sock"), reportIntervalMs };
}

function readTaskManager(section: ConfigSection): EdgeCoreConfig["taskManager"] {
  const enabled = section.flag("enable", false);
  section.finish();
  return { enabled };
}

function readEdgeStream(
  section: ConfigSection,
  extras: ConfigSection,
  otherServers: readonly string[],
): EdgeStreamSection {
  const enabled = section.flag("enable", false);
  const server = section.text("server", "127.0.0.1:10004");
  if (!/^[^\s/]+:\d+$/.test(server)) section.error("server", "must be host:port");
  // The tunnel uses EdgeHub's certificate and its own times.
  section.ignore("tlsTunnelCAFile", "tlsTunnelCertFile", "tlsTunnelPrivateKeyFile");
  section.ignore("handshakeTimeout", "readDeadline", "writeDeadline");
  section.finish();
  const port = server.slice(server.lastIndexOf(":") + 1);
  const others = extras.texts(
    "streamServers",
    otherServers.map((other) => `${hostOf(other)}:${port}`),
  );
  for (const other of others)
    if (!isHostAndPort(other)) extras.error("streamServers", `holds "${other}", which is no host:port`);
  return { enabled, servers: [...new Set([server, ...others])] };
}
