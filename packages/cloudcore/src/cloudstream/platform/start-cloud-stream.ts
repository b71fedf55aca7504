import type { CloudStreamConfig } from "@skerry/api";
import type { Clock, ConnectionCounters, ListeningPort, Logger } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import type { KeyedCertificate } from "@skerry/pki";
import { listenTunnels, nodeLogFiles, type TunnelListenerOptions, TunnelUpgrader } from "@skerry/streams/platform";
import { CloudStream } from "../cloud-stream.ts";
import type { NodeTunnelsOptions } from "../node-tunnels.ts";
import { OwnPod } from "../own-pod.ts";
import type { StreamPeer } from "../peer-streams.ts";
import { serveKubelet } from "./kubelet-server.ts";
import { peerStreams, servePeers } from "./start-peer-streams.ts";

export interface StartCloudStreamOptions {
  readonly config: CloudStreamConfig;
  readonly ports: { readonly tunnel?: number; readonly kubelet?: number };
  /** Whether other CloudCores of this machine listen on the same ports. */
  readonly sharesPorts: boolean;
  readonly nodeLimit: number;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** CloudHub's own pair serves both ports; the edges' authority is also the one that the API server checks. */
  readonly tls: Pick<
    TunnelListenerOptions,
    "certificatePem" | "privateKeyPem" | "clientAuthorityPem" | "minimumTlsVersion"
  >;
  readonly identify: TunnelListenerOptions["identify"];
  /** See {@link NodeTunnelsOptions.askForTunnel}. */
  readonly askForTunnel: NodeTunnelsOptions["askForTunnel"];
  /** Of the API server's client certificate; without it nobody can be told to be the API server. */
  readonly kubernetesAuthorityPem: string | undefined;
  /** The other CloudCores; left out where there are none. */
  readonly replicas?: {
    readonly authority: KeyedCertificate;
    /** 0: any free one. */
    readonly peerPort: number;
    readonly others: () => Promise<readonly StreamPeer[]>;
  };
  /** The machine's name, or this CloudCore's among several, for the pod that CloudCore is shown as. */
  readonly shownAs: string;
  /** Of CloudCore's own log; left out: `kubectl logs` does not show it. */
  readonly ownLogFolder?: string;
}

/** CloudStream with its two ports. */
export interface RunningCloudStream extends AsyncDisposable {
  readonly cloudStream: CloudStream;
  readonly tunnelPort: number;
  /** For the port that Skerry's nodes have their session on. */
  readonly upgrader: TunnelUpgrader;
  /** Undefined when no API server could be recognised. */
  readonly kubeletPort: number | undefined;
  /** For the other CloudCores. */
  readonly peerPort: number | undefined;
  /** What the ports have seen, by port. */
  readonly connectionCounters: Readonly<Record<string, ConnectionCounters>>;
}

/** Opens the edges' tunnel port and the API server's kubelet port. @throws SkerryError of a port in use */
export async function startCloudStream(options: StartCloudStreamOptions): Promise<RunningCloudStream> {
  const { config, api, clock, nodeLimit, tls, identify } = options;
  const logger = options.logger.child("cloudstream");
  await using stack = new AsyncDisposableStack();
  const ownPod =
    options.ownLogFolder === undefined ? undefined : new OwnPod({ api, clock, logger, machine: options.shownAs });
  const own = ownPod && { pod: ownPod, folder: options.ownLogFolder ?? "", files: nodeLogFiles };
  const { askForTunnel } = options;
  const { replicas } = options;
  const trust = replicas && { authority: replicas.authority, clock };
  const peers = trust && stack.use(peerStreams(trust, { peers: replicas.others, logger }));
  const cloudStream = new CloudStream({
    api,
    clock,
    logger,
    nodeLimit,
    askForTunnel,
    ...(own ? { own } : {}),
    ...(peers ? { peers } : {}),
  });
  const peerServer = trust && stack.use(await servePeers(trust, { port: replicas.peerPort, tls, cloudStream, logger }));
  const tunnels = stack.use(
    await listenTunnels(
      {
        ...tls,
        address: config.tunnel.address,
        sharesPort: options.sharesPorts,
        port: options.ports.tunnel ?? config.tunnel.port,
        identify,
        logger,
        maxConnections: 2 * nodeLimit + 100,
      },
      (tunnel) => cloudStream.accept(tunnel),
    ),
  );
  let kubelet: ListeningPort | undefined;
  if (options.kubernetesAuthorityPem === undefined)
    logger.warn("kubectl logs and exec cannot work: the kubeconfig names no certificate authority", {
      advice: "Put certificate-authority or certificate-authority-data into CloudCore's kubeconfig.",
    });
  else
    kubelet = stack.use(
      await serveKubelet({
        ...tls,
        address: config.kubelet.address,
        sharesPort: options.sharesPorts,
        port: options.ports.kubelet ?? config.kubelet.port,
        clientAuthorityPem: options.kubernetesAuthorityPem,
        clientNames: config.apiServerNames,
        domain: config.kubeletDomain,
        cloudStream,
        logger,
      }),
    );
  stack.use(cloudStream);
  if (ownPod) stack.use(ownPod).start();
  const running = stack.move();
  const peerPort = peerServer?.port;
  logger.info("CloudStream is ready", { tunnelPort: tunnels.port, kubeletPort: kubelet?.port, peerPort });
  return {
    cloudStream,
    tunnelPort: tunnels.port,
    upgrader: new TunnelUpgrader({ identify, logger }, (tunnel) => cloudStream.accept({ ...tunnel, onDemand: true })),
    peerPort,
    kubeletPort: kubelet?.port,
    get connectionCounters(): Readonly<Record<string, ConnectionCounters>> {
      return {
        tunnel: tunnels.counters,
        ...(kubelet ? { kubelet: kubelet.counters } : {}),
        ...(peerServer ? { peers: peerServer.counters } : {}),
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
