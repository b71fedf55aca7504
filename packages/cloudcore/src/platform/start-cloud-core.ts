import { isIP } from "node:net";
import type { CloudCoreConfig } from "@skerry/api";
import {
  type Clock,
  type ConnectionCounters,
  describeError,
  isSkerryError,
  joinLoggers,
  type ListeningPort,
  type Logger,
  type Random,
  sleep,
} from "@skerry/base";
import { OwnLog } from "@skerry/base/platform";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, inClusterConnection, loadKubeconfig } from "@skerry/kube/platform";
import { listenWebSocket } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { ADMISSION_PATHS, MAXIMUM_REVIEW_BYTES } from "../admission/device-admission.ts";
import { startCloudControllers } from "../cloud-controllers.ts";
import {
  AuthorityWatch,
  budgetTrace,
  CloudHub,
  type CloudHubPort,
  EnrolmentService,
  isHeldElsewhere,
  JoinTokenKeeper,
  JoinTokenRecords,
  type LinkTrace,
  loadCloudCredentials,
  NodeOutages,
  NodeRevocations,
  NodeTrust,
  nodeRevoked,
  readNextAuthority,
  SecretStore,
} from "../cloudhub/index.ts";
import { type RunningCloudStream, startCloudStream } from "../cloudstream/platform/start-cloud-stream.ts";
import { CloudMetrics } from "../metrics/cloud-metrics.ts";
import { serveMetrics } from "../metrics/platform/metrics-server.ts";
import { otherReplicas, ReplicaLease } from "../replicas/index.ts";
import { fetchPoster } from "../router/platform/fetch-poster.ts";
import { serveRouter } from "../router/platform/rest-server.ts";
import { readCredentialFiles } from "./credential-files.ts";
import { MAX_BODY_BYTES, serveEnrolment } from "./enrolment-server.ts";
import { hostAddresses } from "./host-addresses.ts";
import { cloudCoreElector, peerAddress, replicaName } from "./join-replicas.ts";
import { machineName } from "./machine-name.ts";
import { nodeIdentifier } from "./node-identity.ts";
import { startTelemetrySink } from "./open-telemetry-sink.ts";

export interface CloudCoreOptions {
  readonly config: CloudCoreConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ports to listen on instead of the configuration's; 0 takes any free one. */
  readonly ports?: {
    readonly webSocket?: number;
    readonly https?: number;
    readonly tunnel?: number;
    readonly kubelet?: number;
    readonly peer?: number;
    readonly router?: number;
    readonly metrics?: number;
  };
  /** Instead of the Kubernetes that the configuration's kubeconfig names. */
  readonly kubernetes?: { readonly api: KubernetesApi; readonly authorityPem?: string };
  /** Whether to install the definitions of devices and sync objects. @default true */
  readonly installCustomResources?: boolean;
  /** Where CloudCore keeps the log that `kubectl logs` shows; left out: nowhere. Needs CloudStream. */
  readonly ownLogFolder?: string;
  /** The nodes' certificate authority changes: CloudCore has to be started anew. Left out: it is not watched. */
  readonly onAuthorityChange?: () => void;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
}

/** A running CloudCore. Disposing stops it; edges notice and come back when it is up again. */
export interface CloudCore extends AsyncDisposable {
  readonly webSocketPort: number;
  readonly httpsPort: number;
  /** Ports of CloudStream, where it is enabled. */
  readonly tunnelPort?: number;
  readonly kubeletPort?: number;
  /** Port of the router's HTTP entry, where it is enabled. */
  readonly routerPort?: number;
  /** Port for Prometheus, where it is enabled. */
  readonly metricsPort?: number;
  readonly cloudHub: CloudHubPort;
  /** How a node's link is, and what crossed it. */
  trace(nodeName: string, recentMs?: number): Promise<LinkTrace>;
  /** The authority of the edges' certificates, PEM. */
  readonly authorityPem: string;
  /** What the ports have seen of connections, by port. */
  readonly connectionCounters: Readonly<Record<string, ConnectionCounters>>;
  /** A token with which a machine can join as an edge node. */
  joinToken(): string;
}

const RETRY_MS = 1_000;

/**
 * Starts CloudCore: credentials, CloudHub on both its ports, the controllers. Waits for the Kubernetes API as long as it
 * cannot be reached.
 * @throws SkerryError of the configuration, the kubeconfig, the credentials or a port in use
 */
export async function startCloudCore(options: CloudCoreOptions): Promise<CloudCore> {
  const { config, clock, random, signal } = options;
  await using stack = new AsyncDisposableStack();
  const ownLog = openOwnLog(options, stack);
  const logger = (ownLog ? joinLoggers(options.logger, ownLog.logger) : options.logger).child("cloudcore");
  const { api, authorityPem: kubernetesAuthorityPem } = options.kubernetes ?? (await connectKubernetes(config, stack));

  const advertised = config.advertiseAddresses.length > 0 ? config.advertiseAddresses : hostAddresses();
  const store = new SecretStore(api);
  const credentials = await onceReachable(options, logger, () => loadCredentials(options, store, logger, advertised));
  const authorityPem = certificatePem(credentials.authority.certificateDer);
  const nextAuthority = await onceReachable(options, logger, () => readNextAuthority(store));
  const authorities = nextAuthority ? [credentials.authority, nextAuthority] : [credentials.authority];
  const authoritiesDer = authorities.map(({ certificateDer }) => certificateDer);
  const tls = {
    ...keyedCertificatePem(credentials.server),
    clientAuthorityPem: authoritiesDer.map(certificatePem).join(""),
    minimumTlsVersion: config.minimumTlsVersion,
  };

  const revocations = stack.use(new NodeRevocations({ api, clock, random, logger }));
  await revocations.start(signal);
  const trust = new NodeTrust({
    pki: systemPki,
    clock,
    authoritiesDer,
    revocations,
  });
  const { onAuthorityChange } = options;
  if (onAuthorityChange)
    stack.use(new AuthorityWatch({ api, clock, random, logger, authoritiesDer, onChange: onAuthorityChange })).start();

  const replica = replicaName(config);
  const { sharesPorts: sharesPort } = config.replica;
  const identity = `${replica}_${random.uuid()}`;
  const elector = stack.use(cloudCoreElector({ api, clock, random, logger }, identity));
  await elector.start();

  const tokens = new JoinTokenKeeper({
    store,
    pki: systemPki,
    clock,
    random,
    logger,
    authority: credentials.authority,
    refreshMs: config.tokenRefreshMs,
  });
  stack.use(tokens);
  await tokens.start();

  // Started before CloudHub listens, which leads the tunnels there.
  let streams: RunningCloudStream | undefined;
  let webSocket: ListeningPort | undefined;
  const cloudHub = new CloudHub({
    listen: async (onConnection, admit) => {
      webSocket = await listenWebSocket(
        {
          address: config.webSocket.address,
          port: options.ports?.webSocket ?? config.webSocket.port,
          sharesPort,
          ...tls,
          identify: nodeIdentifier(trust),
          clock,
          logger,
          admit,
          ...(streams ? { tunnels: streams.upgrader } : {}),
          maxConnections: 4 * config.nodeLimit + 100,
        },
        onConnection,
      );
      return webSocket;
    },
    replica,
    api,
    clock,
    random,
    logger,
    nodeLimit: config.nodeLimit,
    keepaliveTimeoutMs: config.keepaliveTimeoutMs,
    ...(advertised[0] ? { advertisedAddress: advertised[0] } : {}),
    ...(kubernetesAuthorityPem ? { kubernetesAuthorityPem } : {}),
  });
  stack.use(new NodeOutages({ cloudHub, clock, logger: logger.child("cloudhub"), nodeLimit: 2 * config.nodeLimit }));
  const telemetry = await startTelemetrySink(config.telemetry, clock, logger);
  if (telemetry) stack.use(telemetry);
  stack.use(
    revocations.onRevoked(({ nodeName }) => {
      logger.warn("A node was revoked", { node: nodeName });
      cloudHub.expel(nodeName, describeError(nodeRevoked(nodeName)));
      streams?.cloudStream.expel(nodeName, "the node was revoked");
    }),
  );
  const controllers = await onceReachable(options, logger, () =>
    startCloudControllers({
      api,
      cloudHub,
      clock,
      random,
      logger,
      ...(config.router.enabled ? { router: { poster: fetchPoster, timeoutMs: config.router.restTimeoutMs } } : {}),
      installCustomResources: options.installCustomResources ?? true,
      isLeader: () => elector.isLeader,
      ...(telemetry ? { telemetry: telemetry.sink } : {}),
      ...(advertised[0] ? { cloudCoreAddress: advertised[0] } : {}),
      ...(signal ? { signal } : {}),
    }),
  );
  stack.use(controllers);
  streams = config.cloudStream.enabled
    ? stack.use(
        await startCloudStream({
          config: config.cloudStream,
          ports: options.ports ?? {},
          sharesPorts: sharesPort,
          nodeLimit: config.nodeLimit,
          api,
          clock,
          logger,
          tls,
          identify: nodeIdentifier(trust),
          kubernetesAuthorityPem,
          shownAs: config.replica.name || machineName(),
          askForTunnel: (nodeName) => cloudHub.askForTunnel(nodeName),
          replicas: {
            authority: credentials.authority,
            peerPort: options.ports?.peer ?? config.replica.peerPort,
            others: () => otherReplicas(api, clock, replica),
          },
          ...(ownLog ? { ownLogFolder: ownLog.folder } : {}),
        }),
      )
    : undefined;
  // After the controllers on the stack, so that it stops before them: no message finds a stopped controller.
  stack.use(cloudHub);
  await cloudHub.start(controllers.handlers, controllers.nodeObjects);

  const enrolment = new EnrolmentService({
    pki: systemPki,
    api,
    clock,
    logger,
    authority: credentials.authority,
    ...(nextAuthority ? { nextAuthority } : {}),
    edgeCertificateValidityMs: config.edgeCertificateValidityMs,
    renewalWindowMs: config.edgeCertificateRenewalWindowMs,
    trust,
    onRenewed: (renewal) => cloudHub.noteRenewal(renewal),
    tokens: new JoinTokenRecords(api, systemPki),
    isConnected: (nodeName) =>
      cloudHub.connectedNodes.has(nodeName) || isHeldElsewhere({ api, clock, replica }, nodeName),
  });
  const https = stack.use(
    await serveEnrolment({
      address: config.https.address,
      port: options.ports?.https ?? config.https.port,
      sharesPort,
      ...tls,
      maxBodyBytes: (path) => (ADMISSION_PATHS.has(path) ? MAXIMUM_REVIEW_BYTES : MAX_BODY_BYTES),
      handle: async (request) =>
        ADMISSION_PATHS.has(request.path) ? controllers.admission.handle(request) : await enrolment.handle(request),
    }),
  );
  const shown = new ReplicaLease({
    api,
    clock,
    logger,
    name: replica,
    identity,
    peerAddress: peerAddress(config, advertised, streams?.peerPort),
    isLeader: () => elector.isLeader,
  });
  await stack.use(shown).start();
  const { router } = controllers;
  const rest = router
    ? stack.use(
        await serveRouter({
          config: config.router,
          sharesPort,
          ...(options.ports?.router === undefined ? {} : { port: options.ports.router }),
          handle: (request, requestSignal) => router.handle(request, requestSignal),
          logger,
        }),
      )
    : undefined;
  const cloudStream = streams?.cloudStream;
  const scraped = config.metrics
    ? stack.use(
        await serveMetrics({
          address: config.metrics.address,
          port: options.ports?.metrics ?? config.metrics.port,
          metrics: new CloudMetrics({ cloudHub, cloudStream, clock, logger }),
          logger,
        }),
      )
    : undefined;
  logger.info("CloudCore is ready", {
    replica,
    webSocketPort: cloudHub.port,
    httpsPort: https.port,
    advertised: [...advertised],
  });
  const running = stack.move();
  return {
    webSocketPort: cloudHub.port,
    httpsPort: https.port,
    ...(streams ? { tunnelPort: streams.tunnelPort } : {}),
    ...(streams?.kubeletPort === undefined ? {} : { kubeletPort: streams.kubeletPort }),
    ...(rest ? { routerPort: rest.port } : {}),
    ...(scraped ? { metricsPort: scraped.port } : {}),
    cloudHub,
    trace: async (nodeName, recentMs) => {
      const budget = await budgetTrace(api, cloudHub, nodeName);
      return { ...cloudHub.trace(nodeName, recentMs), ...(budget ? { budget } : {}) };
    },
    authorityPem,
    joinToken: () => tokens.current(),
    get connectionCounters(): Readonly<Record<string, ConnectionCounters>> {
      return {
        https: https.counters,
        ...(webSocket ? { webSocket: webSocket.counters } : {}),
        ...streams?.connectionCounters,
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A disk without room for the log stops nothing. */
function openOwnLog(
  { config, clock, logger, ownLogFolder }: CloudCoreOptions,
  stack: AsyncDisposableStack,
): OwnLog | undefined {
  if (ownLogFolder === undefined || !config.cloudStream.enabled) return undefined;
  try {
    return stack.use(new OwnLog(ownLogFolder, clock));
  } catch (error) {
    logger.warn("CloudCore's own log cannot be kept for kubectl", { ownLogFolder, error: describeError(error) });
    return undefined;
  }
}

async function connectKubernetes(
  config: CloudCoreConfig,
  stack: AsyncDisposableStack,
): Promise<NonNullable<CloudCoreOptions["kubernetes"]>> {
  const connection = await (config.kubeConfig ? loadKubeconfig(config.kubeConfig) : inClusterConnection());
  const { caCertificatePem: authorityPem } = connection;
  return { api: stack.use(new HttpsKubernetesApi(connection)), ...(authorityPem ? { authorityPem } : {}) };
}

async function loadCredentials(
  { config, clock, signal }: CloudCoreOptions,
  store: SecretStore,
  logger: Logger,
  advertised: readonly string[],
): ReturnType<typeof loadCloudCredentials> {
  const files = config.credentialFiles;
  const authority = await readCredentialFiles(files.authorityCertificate, files.authorityKey);
  const server = await readCredentialFiles(files.serverCertificate, files.serverKey);
  return loadCloudCredentials({
    store,
    pki: systemPki,
    clock,
    logger,
    files: { ...(authority ? { authority } : {}), ...(server ? { server } : {}) },
    dnsNames: [...config.dnsNames, ...advertised.filter((name) => isIP(name) === 0), "localhost"],
    ipAddresses: [...advertised.filter((address) => isIP(address) !== 0), ...hostAddresses(), "127.0.0.1"],
    ...(signal ? { signal } : {}),
  });
}

/** Tries until the Kubernetes API answers; says so once, not every second. */
async function onceReachable<T>(options: CloudCoreOptions, logger: Logger, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isPassing = isUnreachable(error);
      if (!isPassing || options.signal?.aborted) throw error;
      if (attempt === 1) logger.warn("Waiting for the Kubernetes API", { error: describeError(error) });
      await sleep(options.clock, RETRY_MS, options.signal);
    }
  }
}

function isUnreachable(error: unknown): boolean {
  if (isApiError(error)) return error.httpStatus >= 500 || error.httpStatus === 429;
  return isSkerryError(error, "KUBE_UNREACHABLE");
}
