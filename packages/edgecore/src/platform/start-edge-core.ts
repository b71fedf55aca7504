import { mkdir, open, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import type { EdgeCoreConfig, EventBusSection, MetaServerSection, ServiceBusSection } from "@skerry/api";
import {
  type Clock,
  describeError,
  joinLoggers,
  type Logger,
  type Random,
  type SkerryError,
  sleep,
} from "@skerry/base";
import { OwnLog, openTracer } from "@skerry/base/platform";
import { type LinkCredentials, WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, isNodeName, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import type { ConfigUpdater } from "../configupdates/config-updater.ts";
import { EdgeCore, type EdgeCorePorts, type EdgedMachine } from "../edge-core.ts";
import { edgedConfig } from "../edged/index.ts";
import type { UsageSource } from "../edgestream/index.ts";
import { tokenMissing } from "../enrolment/errors.ts";
import { Enrolment, severalServers, trustedBy } from "../enrolment/index.ts";
import { CredentialFiles } from "../enrolment/platform/credential-files.ts";
import { httpsEnrolmentClient } from "../enrolment/platform/https-client.ts";
import type { MqttConnector } from "../eventbus/index.ts";
import { isNotedOfRules } from "../servicenetwork/platform/note-of-rules.ts";
import { defaultSampleRingLimits } from "../telemetry/index.ts";
import type { EdgeTraces } from "../tracing/edge-traces.ts";
import { fileUnreadable } from "./errors.ts";
import { openEdgeDatabase } from "./open-edge-database.ts";
import { openSampleDatabase } from "./open-sample-database.ts";

export interface StartEdgeCoreOptions {
  readonly config: EdgeCoreConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The database was found damaged: EdgeCore must be started again. */
  readonly onDamage?: (error: SkerryError) => void;
  /** For jobs that change the configuration; left out: they are refused. */
  readonly configUpdater?: () => Promise<ConfigUpdater>;
}

/** A node that runs. */
export interface RunningEdgeCore extends AsyncDisposable {
  readonly nodeName: string;
  readonly core: EdgeCore;
}

const DIAL_TIMEOUT_MS = 5000;
/** A node that has nothing to run yet waits so long for its first certificate, so that a refusal ends the start. */
const FIRST_ENROLMENT_MS = 10_000;

/**
 * Starts EdgeCore on this machine. What is stored runs at once; the cloud is looked for in the background.
 * @throws SkerryError `ENROLMENT_TOKEN_MISSING` and its like, `STORE_DATABASE_TOO_NEW`, `EDGECORE_FILE_UNREADABLE`
 */
export async function startEdgeCore(options: StartEdgeCoreOptions): Promise<RunningEdgeCore> {
  const { config, clock, random } = options;
  const nodeName = config.nodeName || hostNodeName();
  const credentials = credentialFiles(config);
  await using opened = new AsyncDisposableStack();
  await makePrivateFile(config.databasePath);
  const ownLog = openOwnLog(options, opened);
  const logger = ownLog ? joinLoggers(options.logger, ownLog.logger) : options.logger;
  const enrolment = new Enrolment(
    {
      http: severalServers(httpsEnrolmentClient, config.edgeHub.otherHttpServers),
      store: credentials,
      pki: systemPki,
      clock,
      random,
      logger,
    },
    { nodeName, httpServer: config.edgeHub.httpServer, token: config.edgeHub.token },
  );
  if (config.edgeHub.enabled) await enrolment.check();
  const database = opened.use(openEdgeDatabase(config.databasePath, clock, logger, options.onDamage));
  const traces = await edgeTraces(config, nodeName, opened, { clock, random, logger });
  const usage = config.edged.enabled ? await machineUsage(config, nodeName, clock, opened) : undefined;
  const machine = config.edged.enabled
    ? { ...(await edgedMachine(config, nodeName, credentials, opened, clock, logger)), usage }
    : undefined;
  const edged = machine && traces ? { ...machine, runtime: traces.runtime(machine.runtime) } : machine;
  const mqtt = config.eventBus.enabled ? await mqttConnector(config.eventBus, nodeName) : undefined;
  const telemetry = config.deviceTwin.enabled ? sampleRing(config, opened, clock, logger) : undefined;
  const ports: EdgeCorePorts = {
    database,
    clock,
    random,
    logger,
    ...(traces ? { traces } : {}),
    ...(config.edgeHub.enabled
      ? {
          link: link(config, nodeName, credentials),
          enrolment: { service: enrolment, rotate: config.edgeHub.rotateCertificates },
        }
      : {}),
    ...(edged ? { edged } : {}),
    ...(edged && process.getuid?.() === 0
      ? { serviceNetwork: serviceNetwork(edged.config.rootDirectory, logger) }
      : {}),
    ...(telemetry ? { telemetry } : {}),
    ...(mqtt ? { mqtt } : {}),
    ...(config.deviceTwin.enabled ? { dmi: await dmi(config.deviceTwin.dmiSocketPath, logger) } : {}),
    ...(config.serviceBus.enabled ? { serviceBus: await serviceBus(config.serviceBus) } : {}),
    tasks: tasks(options, edged),
    ...(config.metaManager.metaServer.enabled
      ? { metaServer: await metaServer(config.metaManager.metaServer, logger) }
      : {}),
    ...(config.edgeStream.enabled
      ? { streams: await streams(config, credentialsAtDial(nodeName, credentials), opened, usage, ownLog?.folder) }
      : {}),
  };
  const core = opened.use(
    new EdgeCore(ports, {
      nodeName,
      deviceTwin: config.deviceTwin.enabled,
      reportIntervalMs: config.deviceTwin.reportIntervalMs,
      metaManager: { requestTimeoutMs: config.metaManager.requestTimeoutMs },
    }),
  );
  await core.start();
  if (core.metaManager.list("pod").length === 0) await firstEnrolment(core, clock);
  const running = opened.move();
  logger.info("EdgeCore started", { node: nodeName, database: config.databasePath });
  return { nodeName, core, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What `kubectl logs` shows of EdgeCore itself. A disk without room for it stops nothing. */
function openOwnLog({ config, clock, logger }: StartEdgeCoreOptions, opened: AsyncDisposableStack): OwnLog | undefined {
  if (!config.edgeStream.enabled) return undefined;
  const folder = join(dirname(config.databasePath), "log");
  try {
    return opened.use(new OwnLog(folder, clock));
  } catch (error) {
    logger.warn("EdgeCore's own log cannot be kept for kubectl", { folder, error: describeError(error) });
    return undefined;
  }
}

/** The node works without a place for samples too; why there is none has been told. */
function sampleRing(
  { telemetry }: EdgeCoreConfig,
  opened: AsyncDisposableStack,
  clock: Clock,
  logger: Logger,
): EdgeCorePorts["telemetry"] {
  const database = telemetry && openSampleDatabase(telemetry.path, clock, logger);
  if (telemetry === undefined || database === undefined) return undefined;
  const { maximumBytes, maximumAgeMs } = telemetry;
  return { database: opened.use(database), limits: { ...defaultSampleRingLimits, maximumBytes, maximumAgeMs } };
}

/** Rejects when the cloud refuses the node; a cloud that cannot be reached is not waited for any longer. */
async function firstEnrolment(core: EdgeCore, clock: Clock): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([core.connecting, sleep(clock, FIRST_ENROLMENT_MS, waiting.signal).catch(() => undefined)]);
  } finally {
    waiting.abort();
  }
}

function credentialFiles({ edgeHub }: EdgeCoreConfig): CredentialFiles {
  const { authorityFile, certificateFile, privateKeyFile } = edgeHub;
  return new CredentialFiles({ authorityFile, certificateFile, privateKeyFile }, systemPki);
}

function link(config: EdgeCoreConfig, nodeName: string, files: CredentialFiles): NonNullable<EdgeCorePorts["link"]> {
  const { servers, projectId, keepaliveMs, pingPeriodMs, delivery } = config.edgeHub;
  const credentials = credentialsAtDial(nodeName, files);
  return {
    // EdgeHub's own limit comes first, so that it can tell a dial that hung from one that was refused.
    dialer: new WebSocketDialer({ credentials, handshakeTimeoutMs: DIAL_TIMEOUT_MS + 1000 }),
    options: { servers, projectId, delivery, dialTimeoutMs: DIAL_TIMEOUT_MS, session: { keepaliveMs, pingPeriodMs } },
  };
}

/** Read at each dial, so that a renewed certificate is used. */
function credentialsAtDial(nodeName: string, files: CredentialFiles): () => Promise<LinkCredentials> {
  return async () => {
    const stored = await files.read();
    if (!stored) throw tokenMissing(nodeName, files.location);
    return { authorityPem: trustedBy(stored).map(certificatePem).join(""), ...keyedCertificatePem(stored) };
  };
}

/** What the machine and its containers use, for the metrics and for whom to evict. */
async function machineUsage(
  config: EdgeCoreConfig,
  nodeName: string,
  clock: Clock,
  opened: AsyncDisposableStack,
): Promise<UsageSource> {
  const { MachineUsageSource } = await import("../edgestream/platform/machine-usage.ts");
  return opened.use(
    new MachineUsageSource({
      endpoint: config.edged.containerRuntimeEndpoint,
      nodeName,
      diskPath: dirname(config.databasePath),
      now: () => clock.now(),
    }),
  );
}

/** Loaded only where it is switched on. */
async function streams(
  config: EdgeCoreConfig,
  credentials: () => Promise<LinkCredentials>,
  opened: AsyncDisposableStack,
  usage: UsageSource | undefined,
  ownLogFolder: string | undefined,
): Promise<NonNullable<EdgeCorePorts["streams"]>> {
  const [{ nodeLogFiles, WebSocketTunnelDialer }, { CriStreaming, tcpLoopbackRelay }] = await Promise.all([
    import("@skerry/streams/platform"),
    import("../edgestream/platform/index.ts"),
  ]);
  return {
    dialer: new WebSocketTunnelDialer(credentials),
    servers: config.edgeStream.servers,
    machine: {
      files: nodeLogFiles,
      streaming: opened.use(new CriStreaming(config.edged.containerRuntimeEndpoint)),
      loopback: tcpLoopbackRelay,
      ...(usage ? { usage } : {}),
      ...(ownLogFolder === undefined ? {} : { ownLogFolder }),
    },
  };
}

/** Loaded only where it is switched on. */
async function edgeTraces(
  { tracing }: EdgeCoreConfig,
  nodeName: string,
  opened: AsyncDisposableStack,
  ports: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<EdgeTraces | undefined> {
  if (!tracing) return undefined;
  const edge = await import("../tracing/edge-traces.ts");
  const resource = { "service.name": "edgecore", "k8s.node.name": nodeName };
  const { tracer } = opened.use(openTracer({ ...ports, endpoint: tracing.endpoint, resource }));
  return new edge.EdgeTraces(tracer, ports.clock);
}

/** Loaded only where it is used: gRPC costs memory. */
async function edgedMachine(
  config: EdgeCoreConfig,
  nodeName: string,
  credentials: CredentialFiles,
  opened: AsyncDisposableStack,
  clock: Clock,
  logger: Logger,
): Promise<EdgedMachine> {
  const { unixGrpc, unixServerStream } = await import("@skerry/grpc/platform");
  const edged = await import("../edged/platform/index.ts");
  const { CriRuntime, linuxHost, linuxMounts, nodeFileSystem, nodeNetworkCheck, parseManifest } = edged;
  const { nodeIps, nodeLabels, containerRuntimeEndpoint, enabled, staticPods, devicePluginFolder, ...rest } =
    config.edged;
  const { podPidsLimit, reserved, keepsReserved } = rest;
  const limits = { podPidsLimit, ...(keepsReserved ? { reserved } : {}) };
  await makeFolder(devicePluginFolder, 0o750, logger);
  return {
    runtime: opened.use(new CriRuntime(containerRuntimeEndpoint)),
    fileSystem: nodeFileSystem,
    mounts: linuxMounts,
    host: linuxHost,
    network: nodeNetworkCheck,
    podGroups: process.getuid?.() === 0 ? new edged.PodControlGroups(clock, logger, limits) : undefined,
    seal: new edged.NodeKeySeal(() => credentials.readPrivateKey()),
    manifests: { ...staticPods, parse: parseManifest },
    devicePlugins: {
      transport: { grpc: unixGrpc, stream: unixServerStream },
      folder: devicePluginFolder,
      load: () => import("../edged/devices/device-manager.ts"),
    },
    startsChanged: edged.collectAtOnce,
    config: edgedConfig({ ...rest, nodeName, labels: nodeLabels, ...(nodeIps.length === 0 ? {} : { nodeIps }) }),
  };
}

/** A socket's folder; when it cannot be made, whoever serves the socket says what is wrong with it. */
async function makeFolder(folder: string, mode: number, logger: Logger): Promise<void> {
  await mkdir(folder, { recursive: true, mode }).catch((error: unknown) =>
    logger.debug("The folder of a socket cannot be made", { folder, reason: describeError(error) }),
  );
}

async function dmi(socketPath: string, logger: Logger): Promise<NonNullable<EdgeCorePorts["dmi"]>> {
  await makeFolder(dirname(socketPath), 0o755, logger);
  const { unixGrpc } = await import("@skerry/grpc/platform");
  return { transport: unixGrpc, socketPath };
}

async function serviceBus(section: ServiceBusSection): Promise<NonNullable<EdgeCorePorts["serviceBus"]>> {
  const { localHttpServer, loopbackHttpClient } = await import("../servicebus/platform/index.ts");
  return { client: loopbackHttpClient, server: localHttpServer(section), timeoutMs: section.timeoutMs };
}

/** Loaded with the first Service, or when one has left rules. */
function serviceNetwork(rootDirectory: string, logger: Logger): NonNullable<EdgeCorePorts["serviceNetwork"]> {
  return {
    load: async (ports) => {
      const { makeServiceNetwork } = await import("../servicenetwork/platform/service-machine.ts");
      return makeServiceNetwork(ports, rootDirectory);
    },
    removeLeftRules: async () => {
      if (!isNotedOfRules(rootDirectory)) return;
      const { removeRules } = await import("../servicenetwork/platform/iptables.ts");
      if (await removeRules(rootDirectory, { iptables: "iptables", ip6tables: "ip6tables", environment: {} })) return;
      logger.warn("Rules that Services have left in the kernel cannot be removed; EdgeCore's next start tries again");
    },
  };
}

/** Loaded with the first job. */
function tasks(
  { config, configUpdater }: StartEdgeCoreOptions,
  edged: EdgedMachine | undefined,
): NonNullable<EdgeCorePorts["tasks"]> {
  return {
    enabled: config.taskManager.enabled,
    load: async (services) => {
      const { makeTasks } = await import("../taskmanager/platform/start-tasks.ts");
      const updater = await configUpdater?.();
      return makeTasks(services, { runtime: edged?.runtime, updater, dataFolder: dirname(config.databasePath) });
    },
  };
}

/** Loaded only where it is switched on. */
async function metaServer(
  section: MetaServerSection,
  logger: Logger,
): Promise<NonNullable<EdgeCorePorts["metaServer"]>> {
  const [{ MetaServer }, { apiListener }] = await Promise.all([
    import("../metaserver/index.ts"),
    import("../metaserver/platform/index.ts"),
  ]);
  const listener = await apiListener(section, logger);
  return (ports) => new MetaServer({ ...ports, listener });
}

async function mqttConnector(bus: EventBusSection, nodeName: string): Promise<MqttConnector> {
  const { MqttJsConnector } = await import("../eventbus/platform/index.ts");
  return new MqttJsConnector({
    address: bus.server,
    subscriberId: bus.subscriberId || `hub-client-sub-${nodeName}`,
    publisherId: bus.publisherId || `hub-client-pub-${nodeName}`,
    username: bus.username,
    password: bus.password,
    ...(bus.tls ? { tls: await readTlsFiles(bus.tls) } : {}),
  });
}

async function readTlsFiles(
  files: NonNullable<EventBusSection["tls"]>,
): Promise<{ ca: string; certificate: string; privateKey: string }> {
  const read = (path: string): Promise<string> =>
    readFile(path, "utf8").catch((error: unknown) => {
      throw fileUnreadable("modules.eventBus.eventBusTLS", path, error);
    });
  return {
    ca: await read(files.authorityFile),
    certificate: await read(files.certificateFile),
    privateKey: await read(files.privateKeyFile),
  };
}

/** The database holds Secrets and tokens, so only its owner may read it; SQLite gives its other files the same mode. */
async function makePrivateFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using handle = await open(path, "a", 0o600);
    await handle.chmod(0o600);
  } catch (error) {
    throw fileUnreadable("database.dataSource", path, error);
  }
}

/** KubeEdge's rule for a node without a configured name. */
function hostNodeName(): string {
  const name = hostname().trim().toLowerCase();
  return isNodeName(name) ? name : "default-edge-node";
}
