import {
  type Clock,
  type ConnectionCounters,
  describeError,
  joinLoggers,
  type ListeningPort,
  type Logger,
  type Random,
} from "@skerry/base";
import { openTracer } from "@skerry/base/platform";
import { listenWebSocket } from "@skerry/link/platform";
import { authorityHash, certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { ADMISSION_PATHS, MAXIMUM_REVIEW_BYTES } from "../admission/device-admission.ts";
import { CONVERSION_PATH, convertDevices, MAXIMUM_CONVERSION_BYTES } from "../admission/device-conversion.ts";
import { startCloudControllers } from "../cloud-controllers.ts";
import {
  AuthorityWatch,
  budgetTrace,
  CloudHub,
  CollectAfterJoins,
  EnrolmentService,
  isHeldElsewhere,
  JoinTokenKeeper,
  JoinTokenRecords,
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
import { onceReachable } from "../once-reachable.ts";
import { AwaitedNodes, otherReplicas, ReplicaLease } from "../replicas/index.ts";
import { fetchPoster } from "../router/platform/fetch-poster.ts";
import { serveRouter } from "../router/platform/rest-server.ts";
import type { LinkTraces } from "../tracing/link-traces.ts";
import type { CloudCore, CloudCoreOptions } from "./cloud-core.ts";
import { readCloudCredentials } from "./cloud-core-credentials.ts";
import { connectKubernetes } from "./connect-kubernetes.ts";
import { MAX_BODY_BYTES, serveEnrolment } from "./enrolment-server.ts";
import { collectGarbage } from "./garbage-collector.ts";
import { hostAddresses } from "./host-addresses.ts";
import { cloudCoreElector, peerAddress, replicaName } from "./join-replicas.ts";
import { machineName } from "./machine-name.ts";
import { nodeIdentifier } from "./node-identity.ts";
import { openOwnLog } from "./open-own-log.ts";
import { startTelemetrySink } from "./open-telemetry-sink.ts";

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
  const kubernetes = options.kubernetes ?? (await connectKubernetes(config, stack));
  const { api, authorityPem: kubernetesAuthorityPem, delegated } = kubernetes;

  const traces = config.tracing && (await openLinkTraces(config.tracing.endpoint, stack, { clock, random, logger }));
  const advertised = config.advertiseAddresses.length > 0 ? config.advertiseAddresses : hostAddresses();
  const store = new SecretStore(api);
  const credentials = await onceReachable(options, logger, () =>
    readCloudCredentials(options, store, logger, advertised),
  );
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
    listen: async (onConnection, admit, isBusy) => {
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
          ...(isBusy ? { isBusy } : {}),
          ...(nextAuthority ? {} : { authorityHash: authorityHash(systemPki, credentials.authority.certificateDer) }),
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
    traces,
    nodeLimit: config.nodeLimit,
    keepaliveTimeoutMs: config.keepaliveTimeoutMs,
    ...(advertised[0] ? { advertisedAddress: advertised[0] } : {}),
    ...(kubernetesAuthorityPem ? { kubernetesAuthorityPem } : {}),
  });
  stack.use(new NodeOutages({ cloudHub, clock, logger: logger.child("cloudhub"), nodeLimit: 2 * config.nodeLimit }));
  stack.use(new CollectAfterJoins({ cloudHub, clock, collectGarbage }));
  const telemetry = await startTelemetrySink(config.telemetry, clock, logger);
  if (telemetry) stack.use(telemetry);
  stack.use(
    revocations.onRevoked(({ nodeName }) => {
      logger.warn("A node was revoked", { node: nodeName });
      cloudHub.expel(nodeName, describeError(nodeRevoked(nodeName)));
      streams?.cloudStream.expel(nodeName, "the node was revoked");
    }),
  );
  const { enabled, kubelet, kubeletDomain } = config.cloudStream;
  const controllers = await onceReachable(options, logger, () =>
    startCloudControllers({
      api,
      cloudHub,
      clock,
      random,
      logger,
      traces,
      ...(config.router.enabled ? { router: { poster: fetchPoster, timeoutMs: config.router.restTimeoutMs } } : {}),
      ...(config.dynamicController.enabled && delegated ? { delegated } : {}),
      taskManager: config.taskManager.enabled,
      installCustomResources: options.installCustomResources ?? true,
      isLeader: () => elector.isLeader,
      ...(telemetry ? { telemetry: telemetry.sink } : {}),
      ...(advertised[0] ? { cloudCoreAddress: advertised[0] } : {}),
      ...(enabled && kubeletDomain !== "" ? { kubelet: { domain: kubeletDomain, port: kubelet.port } } : {}),
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
  stack.use(new AwaitedNodes({ api, clock, logger: logger.child("cloudhub"), replica, cloudHub }));

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
    onRenewed: (renewal) => {
      cloudHub.noteRenewal(renewal);
      streams?.cloudStream.noteRenewal(renewal);
    },
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
      maxBodyBytes: (path) =>
        path === CONVERSION_PATH
          ? MAXIMUM_CONVERSION_BYTES
          : ADMISSION_PATHS.has(path)
            ? MAXIMUM_REVIEW_BYTES
            : MAX_BODY_BYTES,
      handle: async (request) => {
        if (request.path === CONVERSION_PATH) return convertDevices(request);
        return ADMISSION_PATHS.has(request.path) ? controllers.admission.handle(request) : enrolment.handle(request);
      },
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
          metrics: new CloudMetrics({ cloudHub, cloudStream, telemetry: controllers.telemetry, clock, logger }),
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
        ...(rest ? { router: rest.counters } : {}),
        ...(scraped ? { metrics: scraped.counters } : {}),
        ...streams?.connectionCounters,
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Loaded only where it is switched on. */
async function openLinkTraces(
  endpoint: string,
  stack: AsyncDisposableStack,
  ports: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<LinkTraces> {
  const tracing = await import("../tracing/link-traces.ts");
  const { tracer } = stack.use(openTracer({ ...ports, endpoint, resource: { "service.name": "cloudcore" } }));
  return new tracing.LinkTraces(tracer, ports.clock);
}
