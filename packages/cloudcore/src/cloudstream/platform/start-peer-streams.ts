import type { X509Certificate } from "node:crypto";
import { type Clock, type ConnectionCounters, type ListeningPort, type Logger, SkerryError } from "@skerry/base";
import { certificatePem, type KeyedCertificate, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { TUNNEL_PATH, type TunnelPeer } from "@skerry/streams";
import { listenTunnels, type TunnelListenerOptions, WebSocketTunnelDialer } from "@skerry/streams/platform";
import { CLOCK_TOLERANCE_MS } from "../../cloudhub/index.ts";
import type { CloudStream } from "../cloud-stream.ts";
import { PeerService } from "../peer-service.ts";
import { PeerStreams, type StreamPeer } from "../peer-streams.ts";

/** How a CloudCore names itself to the others; no node's certificate can have it. */
const PEER_SUBJECT = { commonName: "skerry:cloudcore", organizations: ["skerry:cloudcores"] };
/** A fresh certificate is made for each connection. */
const PEER_CERTIFICATE_MS = 86_400_000;
/** Replicas are a handful. */
const MAX_PEER_CONNECTIONS = 200;

/** The authority of the edges' certificates, which all CloudCores of a cluster share. */
export interface PeerTrust {
  readonly authority: KeyedCertificate;
  readonly clock: Clock;
}

/** The way to the other CloudCores, proving by a certificate of the shared authority to be one. */
export function peerStreams(
  trust: PeerTrust,
  options: { readonly peers: () => Promise<readonly StreamPeer[]>; readonly logger: Logger },
): PeerStreams {
  const { authority, clock } = trust;
  const dialer = new WebSocketTunnelDialer(async () => {
    const nowMs = clock.now();
    const pair = await systemPki.issueCertificate(authority, {
      ...PEER_SUBJECT,
      usages: ["clientAuth"],
      validity: { notBeforeMs: nowMs - CLOCK_TOLERANCE_MS, notAfterMs: nowMs + PEER_CERTIFICATE_MS },
    });
    return { authorityPem: certificatePem(authority.certificateDer), ...keyedCertificatePem(pair) };
  });
  const dial: ConstructorParameters<typeof PeerStreams>[0]["dial"] = (address, signal) =>
    dialer.dial(`wss://${address}${TUNNEL_PATH}`, {}, signal);
  return new PeerStreams({ ...options, clock, dial });
}

/** Opens the port for the other CloudCores. @throws SkerryError `STREAMS_PORT_IN_USE`, `STREAMS_LISTEN_FAILED` */
export async function servePeers(
  trust: PeerTrust,
  options: {
    readonly port: number;
    readonly tls: Pick<TunnelListenerOptions, "certificatePem" | "privateKeyPem" | "clientAuthorityPem">;
    readonly cloudStream: CloudStream;
    readonly logger: Logger;
  },
): Promise<ListeningPort> {
  const { port, tls, cloudStream, logger } = options;
  const { clock } = trust;
  const service = new PeerService(cloudStream, { clock, logger: logger.child("peers") });
  const listener = await listenTunnels(
    {
      ...tls,
      address: "0.0.0.0",
      port,
      identify: (certificate) => identifyPeer(certificate, trust),
      logger,
      maxConnections: MAX_PEER_CONNECTIONS,
    },
    ({ connection }) => service.accept(connection),
  );
  return {
    port: listener.port,
    get counters(): ConnectionCounters {
      return listener.counters;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      service[Symbol.dispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}

/** The certificate is verified although TLS has: a resumed session brings it without looking at its time again. */
function identifyPeer(certificate: X509Certificate, { authority, clock }: PeerTrust): TunnelPeer {
  const { commonName, organizations, fingerprint } = systemPki.verifyCertificate(
    certificate.raw,
    authority.certificateDer,
    {
      usage: "clientAuth",
      nowMs: clock.now(),
    },
  );
  const [group = ""] = PEER_SUBJECT.organizations;
  if (commonName !== PEER_SUBJECT.commonName || !organizations.includes(group)) throw notACloudCore(commonName);
  return { name: commonName, certificateFingerprint: fingerprint };
}

function notACloudCore(commonName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_NOT_A_CLOUDCORE",
    message: `the certificate is for "${commonName.slice(0, 80)}", not for a CloudCore`,
    advice: "This port is for the other CloudCores of the cluster; nodes connect to the tunnel port.",
  });
}
