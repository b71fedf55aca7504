import { once } from "node:events";
import { request } from "node:https";
import { type KubernetesObject, nodes, pods } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { certificatePem, type KeyedCertificate, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { type ByteStream, type ConnectRequest, encodeResponseHead, Multiplexer, TUNNEL_PATH } from "@skerry/streams";
import { WebSocketTunnelDialer } from "@skerry/streams/platform";
import { NodeTrust } from "../../../cloudhub/index.ts";
import { nodeIdentifier } from "../../../platform/node-identity.ts";
import { type RunningCloudStream, type StartCloudStreamOptions, startCloudStream } from "../start-cloud-stream.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
export const edgeAuthority: KeyedCertificate = await systemPki.createCertificateAuthority({ validity });
export const clusterAuthority: KeyedCertificate = await systemPki.createCertificateAuthority({
  commonName: "kubernetes",
  validity,
});
export const server: KeyedCertificate = await systemPki.issueCertificate(edgeAuthority, {
  commonName: "KubeEdge",
  organizations: ["KubeEdge"],
  usages: ["serverAuth"],
  ipAddresses: ["127.0.0.1"],
  validity,
});
export const edgeAuthorityPem: string = certificatePem(edgeAuthority.certificateDer);
export const trust: NodeTrust = new NodeTrust({
  pki: systemPki,
  clock: systemClock,
  authoritiesDer: [edgeAuthority.certificateDer],
  revocations: new Map(),
});
export const API_SERVER = "kube-apiserver-kubelet-client";

/** A client certificate. */
export function client(
  commonName: string,
  issuer: KeyedCertificate,
  organizations: readonly string[] = [],
): Promise<KeyedCertificate> {
  return systemPki.issueCertificate(issuer, { commonName, organizations, usages: ["clientAuth"], validity });
}

const pod = (name: string, nodeName?: string): KubernetesObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "app", image: "x" }], ...(nodeName ? { nodeName } : {}) },
  }) as KubernetesObject;

/** A cluster with the pods `web` on edge-1, `other` on edge-2, which is offline, and `waiting` on no node. */
export async function streamCluster(): Promise<MemoryKubernetesApi> {
  const api = new MemoryKubernetesApi();
  await api.create({ resource: pods, namespace: "default" }, pod("web", "edge-1"));
  await api.create({ resource: pods, namespace: "default" }, pod("other", "edge-2"));
  await api.create({ resource: pods, namespace: "default" }, pod("waiting"));
  await api.create({ resource: nodes }, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "edge-2" },
    status: { conditions: [{ type: "Ready", status: "Unknown", lastHeartbeatTime: "2026-01-02T03:04:05Z" }] },
  } as KubernetesObject);
  return api;
}

/** CloudStream on free ports. */
export async function start(
  askForTunnel: (nodeName: string) => boolean = () => false,
  changes: Partial<Pick<StartCloudStreamOptions, "api" | "replicas">> = {},
): Promise<RunningCloudStream> {
  return startCloudStream({
    config: {
      enabled: true,
      kubelet: { address: "127.0.0.1", port: 0 },
      tunnel: { address: "127.0.0.1", port: 0 },
      apiServerNames: [API_SERVER],
      kubeletDomain: "",
    },
    ports: { tunnel: 0, kubelet: 0 },
    nodeLimit: 2,
    api: changes.api ?? (await streamCluster()),
    sharesPorts: false,
    shownAs: "cloud",
    clock: systemClock,
    logger: silentLogger,
    tls: { ...keyedCertificatePem(server), clientAuthorityPem: edgeAuthorityPem },
    identify: nodeIdentifier(trust),
    kubernetesAuthorityPem: certificatePem(clusterAuthority.certificateDer),
    askForTunnel,
    ...(changes.replicas ? { replicas: changes.replicas } : {}),
  });
}

/** How a node serves a stream. */
export type Serve = (request: ConnectRequest, stream: ByteStream) => Promise<void>;

/** Connects as a node; resolves when CloudStream knows the tunnel. */
export async function connectEdge(
  running: RunningCloudStream,
  serve: Serve,
  options: {
    readonly nodeName?: string;
    readonly claims?: string;
    readonly issuer?: KeyedCertificate;
    readonly port?: number;
  } = {},
): Promise<Disposable & { readonly ended: AbortSignal }> {
  const { nodeName = "edge-1", issuer = edgeAuthority, port = running.tunnelPort } = options;
  const pair = await client(`system:node:${nodeName}`, issuer, ["system:nodes"]);
  const dialer = new WebSocketTunnelDialer(async () => ({
    authorityPem: edgeAuthorityPem,
    ...keyedCertificatePem(pair),
  }));
  const url = `wss://127.0.0.1:${port}${TUNNEL_PATH}`;
  const connection = await dialer.dial(
    url,
    { SessionHostNameOverride: options.claims ?? nodeName },
    new AbortController().signal,
  );
  const tunnel = new Multiplexer({ connection, clock: systemClock, logger: silentLogger, serve });
  tunnel.start();
  return { ended: tunnel.ended, [Symbol.dispose]: () => tunnel.close("the test ends") };
}

/** What the kubelet port answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Calls the kubelet port as the API server, or as somebody else. */
export async function call(
  running: RunningCloudStream,
  path: string,
  options: { headers?: Record<string, string>; pair?: KeyedCertificate | null; method?: string } = {},
): Promise<Answer> {
  const pair = options.pair === undefined ? await client(API_SERVER, clusterAuthority) : options.pair;
  const pem = pair ? keyedCertificatePem(pair) : undefined;
  const outgoing = request({
    host: "127.0.0.1",
    port: running.kubeletPort,
    path,
    method: options.method ?? "GET",
    ca: edgeAuthorityPem,
    headers: options.headers ?? {},
    agent: false,
    ...(pem ? { cert: pem.certificatePem, key: pem.privateKeyPem } : {}),
  });
  outgoing.end();
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

/** Answers with what was asked. */
export const serveHello: Serve = async (asked, stream) => {
  await stream.write(encodeResponseHead(200, "OK", { "content-type": "text/plain" }));
  await stream.write(new TextEncoder().encode(`${asked.path}?${asked.query}`));
};
