import { isJsonObject, type JsonValue, type MinimumTlsVersion } from "@skerry/base";
import { type RouterConfig, readRouter } from "./cloudcore-router-section.ts";
import { ConfigFindings, ConfigSection } from "./config-section.ts";
import { readTelemetrySink, type TelemetrySinkConfig } from "./telemetry-section.ts";
import { readTracing, type TracingConfig } from "./tracing-section.ts";

/** Where a server listens. */
export interface ListenConfig {
  readonly address: string;
  readonly port: number;
}

/** Files that take precedence over the Secrets, where they exist (security.md 4.1). */
export interface CredentialFiles {
  readonly authorityCertificate: string;
  readonly authorityKey: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
}

/** The way from the API server into pods; off unless it is switched on, as in KubeEdge. */
export interface CloudStreamConfig {
  readonly enabled: boolean;
  /** For the API server: the kubelet's API of all edge nodes. */
  readonly kubelet: ListenConfig;
  /** For the edges' tunnels. */
  readonly tunnel: ListenConfig;
  /** Common names that the API server's client certificate may have. */
  readonly apiServerNames: readonly string[];
  /** DNS domain in which every node has a name that leads to the CloudCores (docs/streams.md); empty: none. */
  readonly kubeletDomain: string;
}

/** What a CloudCore is among several of one cluster. */
export interface ReplicaConfig {
  /** Different for each; empty: made of the host's name and the WebSocket port. */
  readonly name: string;
  /** Whether other CloudCores of this machine listen on the same ports. */
  readonly sharesPorts: boolean;
  /** Where the others reach this one to lead `kubectl logs` and the like on; empty: the first address that edges dial. */
  readonly peerAddress: string;
  /** 0: any free one. */
  readonly peerPort: number;
}

/** CloudCore's configuration, checked and complete. */
export interface CloudCoreConfig {
  /** Path of the kubeconfig; empty: the service account of the pod that CloudCore runs in. */
  readonly kubeConfig: string;
  readonly webSocket: ListenConfig;
  readonly https: ListenConfig;
  /** Sessions at once. */
  readonly nodeLimit: number;
  readonly keepaliveTimeoutMs: number;
  /** Addresses that edges dial, for the server's certificate; empty: this machine's. */
  readonly advertiseAddresses: readonly string[];
  readonly dnsNames: readonly string[];
  readonly edgeCertificateValidityMs: number;
  /** The oldest TLS that is spoken on the ports for edge nodes and for the API server. */
  readonly minimumTlsVersion: MinimumTlsVersion;
  /** How long after its end a node's certificate can still be renewed by itself. */
  readonly edgeCertificateRenewalWindowMs: number;
  /** A join token is renewed so often, and is good for twice as long. */
  readonly tokenRefreshMs: number;
  readonly credentialFiles: CredentialFiles;
  readonly cloudStream: CloudStreamConfig;
  readonly router: RouterConfig;
  /** The Kubernetes API for the nodes' MetaServers; off unless it is switched on, as in KubeEdge. */
  readonly dynamicController: { readonly enabled: boolean };
  /** Jobs for nodes; off unless it is switched on, as in KubeEdge. */
  readonly taskManager: { readonly enabled: boolean };
  readonly telemetry: TelemetrySinkConfig;
  readonly replica: ReplicaConfig;
  /** Where Prometheus scrapes; undefined: nowhere. */
  readonly metrics: ListenConfig | undefined;
  readonly tracing: TracingConfig | undefined;
}

export interface ParsedCloudCoreConfig {
  readonly config: CloudCoreConfig;
  /** What in the file has no effect, one sentence each. */
  readonly warnings: readonly string[];
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NO_BOUND = 2_147_483_647;

/** Fields whose meaning KubeEdge's Go scheduling needs and Skerry does not. */
const TUNING_FIELDS = ["buffer", "load", "nodeUpdateFrequency"];

/**
 * Reads a parsed `cloudcore.yaml`: KubeEdge's form (`modules`), or the short form (`spec`).
 * @throws SkerryError `CONFIG_INVALID` naming every wrong field
 */
export function parseCloudCoreConfig(file: JsonValue | undefined): ParsedCloudCoreConfig {
  const findings = new ConfigFindings();
  const root = new ConfigSection(file, "", findings);
  checkKind(file, findings);
  root.ignore("apiVersion", "kind", "metadata", "commonConfig", "featureGates");
  const kube = root.section("kubeAPIConfig");
  const kubeConfig = kube.text("kubeConfig", "");
  if (kube.text("master", "") !== "") kube.warn("master", "has no effect; set the server in the kubeconfig");
  kube.ignore("contentType", "qps", "burst");
  kube.finish();
  const isShortForm = !root.has("modules") && root.has("spec");
  const modules = root.section(isShortForm ? "spec" : "modules");
  const hub = readCloudHub(modules.section("cloudHub"));
  const cloudStream = readCloudStream(modules.section("cloudStream"));
  const router = readRouter(modules.section("router"));
  const dynamicController = readSwitch(modules.section("dynamicController"));
  const taskManager = readSwitch(modules.section("taskManager"));
  readOtherModules(modules);
  const shortKubeConfig = isShortForm ? modules.text("kubeConfig", "") : "";
  modules.finish();
  const extras = root.section("skerry");
  const telemetry = readTelemetrySink(extras.section("telemetry"));
  const replica = readReplica(extras);
  const metrics = readMetrics(extras.section("metrics"));
  const tracing = readTracing(extras.section("tracing"));
  extras.finish();
  root.finish();
  findings.throwIfWrong("CloudCore");
  const config = {
    kubeConfig: kubeConfig || shortKubeConfig,
    ...hub,
    cloudStream,
    router,
    dynamicController,
    taskManager,
    telemetry,
    replica,
    metrics,
    tracing,
  };
  return { config, warnings: findings.warnings };
}

/** The configuration of an empty file. */
export function defaultCloudCoreConfig(): CloudCoreConfig {
  return parseCloudCoreConfig(undefined).config;
}

function checkKind(file: JsonValue | undefined, findings: ConfigFindings): void {
  const kind = isJsonObject(file) ? file["kind"] : undefined;
  if (kind !== undefined && kind !== "CloudCore")
    findings.errors.push(`kind must be CloudCore, it is ${JSON.stringify(kind).slice(0, 80)}`);
}

function readMetrics(section: ConfigSection): ListenConfig | undefined {
  const isEnabled = section.flag("enable", false);
  const listen = { address: section.text("address", "127.0.0.1"), port: section.port("port", 9_091) };
  section.finish();
  return isEnabled ? listen : undefined;
}

function readTlsVersion(hub: ConfigSection): MinimumTlsVersion {
  const version = hub.text("tlsMinVersion", "1.3");
  if (version !== "1.2" && version !== "1.3") hub.error("tlsMinVersion", 'must be "1.2" or "1.3"');
  return version === "1.2" ? "TLSv1.2" : "TLSv1.3";
}

function readCloudHub(
  hub: ConfigSection,
): Omit<
  CloudCoreConfig,
  | "kubeConfig"
  | "cloudStream"
  | "router"
  | "dynamicController"
  | "taskManager"
  | "telemetry"
  | "replica"
  | "metrics"
  | "tracing"
> {
  if (!hub.flag("enable", true)) hub.warn("enable", "CloudCore without CloudHub does nothing, so it runs all the same");
  const webSocket = readListen(hub, "websocket", 10_000);
  const https = readListen(hub, "https", 10_002);
  const quic = hub.section("quic");
  if (quic.flag("enable", false)) quic.warn("enable", "Google's old QUIC is not spoken; edges use the WebSocket port");
  const config = {
    webSocket,
    https,
    nodeLimit: hub.integer("nodeLimit", 500, { minimum: 1, maximum: NO_BOUND }),
    keepaliveTimeoutMs: hub.integer("keepaliveInterval", 30, { minimum: 1, maximum: 86_400 }) * SECOND_MS,
    advertiseAddresses: nonEmpty(hub.texts("advertiseAddress", [])),
    dnsNames: nonEmpty(hub.texts("dnsNames", [])),
    edgeCertificateValidityMs: hub.integer("edgeCertSigningDuration", 365, { minimum: 1, maximum: 36_500 }) * DAY_MS,
    minimumTlsVersion: readTlsVersion(hub),
    edgeCertificateRenewalWindowMs: hub.integer("edgeCertRenewalWindow", 90, { minimum: 0, maximum: 36_500 }) * DAY_MS,
    tokenRefreshMs: hub.integer("tokenRefreshDuration", 12, { minimum: 1, maximum: 8_760 }) * HOUR_MS,
    credentialFiles: {
      authorityCertificate: hub.text("tlsCAFile", "/etc/kubeedge/ca/rootCA.crt"),
      authorityKey: hub.text("tlsCAKeyFile", "/etc/kubeedge/ca/rootCA.key"),
      serverCertificate: hub.text("tlsCertFile", "/etc/kubeedge/certs/server.crt"),
      serverKey: hub.text("tlsPrivateKeyFile", "/etc/kubeedge/certs/server.key"),
    },
  };
  if (webSocket.port === https.port && webSocket.address === https.address)
    hub.error("https.port", "must differ from websocket.port");
  // Authorization is always on: a node's certificate decides what it may do.
  hub.ignore("writeTimeout", "authorization", "unixsocket");
  hub.finish();
  return config;
}

/** What kubeadm names the API server towards kubelets. */
const API_SERVER_NAME = "kube-apiserver-kubelet-client";

/** With room before it for the name of a node. */
const DOMAIN = /^(?=.{1,180}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

function readCloudStream(section: ConfigSection): CloudStreamConfig {
  const config = {
    enabled: section.flag("enable", false),
    kubelet: { address: section.text("streamAddress", "0.0.0.0"), port: section.port("streamPort", 10_003) },
    tunnel: { address: section.text("tunnelAddress", "0.0.0.0"), port: section.port("tunnelPort", 10_004) },
    apiServerNames: section.texts("apiServerNames", [API_SERVER_NAME]),
    kubeletDomain: section.text("kubeletDomain", ""),
  };
  if (config.kubeletDomain !== "" && !DOMAIN.test(config.kubeletDomain))
    section.error(
      "kubeletDomain",
      "must be a DNS domain of lower-case letters, digits, '-' and '.', like edge.example.com",
    );
  if (config.kubelet.port === config.tunnel.port) section.error("tunnelPort", "must differ from streamPort");
  // Both ports use CloudHub's pair, and the API server is known by the cluster's own authority.
  section.ignore("tlsStreamCAFile", "tlsStreamCertFile", "tlsStreamPrivateKeyFile");
  section.ignore("tlsTunnelCAFile", "tlsTunnelCertFile", "tlsTunnelPrivateKeyFile");
  section.finish();
  return config;
}

/** A label's value, and the end of an object's name. */
const REPLICA_NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;

function readReplica(section: ConfigSection): ReplicaConfig {
  const config = {
    name: section.text("replica", ""),
    sharesPorts: section.flag("sharePorts", false),
    peerAddress: section.text("peerAddress", ""),
    peerPort: section.integer("peerPort", 0, { minimum: 0, maximum: 65_535 }),
  };
  if (config.name !== "" && !REPLICA_NAME.test(config.name))
    section.error("replica", "must be at most 63 lower-case letters, digits, '-' and '.'");
  return config;
}

function readListen(hub: ConfigSection, name: string, port: number): ListenConfig {
  const section = hub.section(name);
  if (!section.flag("enable", true)) section.warn("enable", "edges need this port, so it is opened all the same");
  const listen = { address: section.text("address", "0.0.0.0"), port: section.port("port", port) };
  section.finish();
  return listen;
}

function readOtherModules(modules: ConfigSection): void {
  for (const name of ["edgeController", "deviceController", "syncController"]) {
    const section = modules.section(name);
    if (!section.flag("enable", true)) section.warn("enable", "this part cannot be switched off; it runs all the same");
    section.ignore(...TUNING_FIELDS);
    section.finish();
  }
  if (modules.has("mqtt")) modules.warn("mqtt", "CloudCore uses no broker; set it in edgecore.yaml");
  modules.ignore("iptablesManager", "imagePrePullController", "mqtt");
}

/** A module that is off unless it is switched on, as in KubeEdge. */
function readSwitch(section: ConfigSection): { readonly enabled: boolean } {
  const enabled = section.flag("enable", false);
  section.ignore(...TUNING_FIELDS);
  section.finish();
  return { enabled };
}

function nonEmpty(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.trim()).filter((text) => text !== "");
}
