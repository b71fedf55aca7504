import { once } from "node:events";
import { request } from "node:https";
import { defaultCloudCoreConfig } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { LinkConnection } from "@skerry/link";
import { type LinkCredentials, WebSocketDialer } from "@skerry/link/platform";
import { type CertificateOptions, certificatePem, type KeyedCertificate, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { type FrameConnection, TUNNEL_PATH } from "@skerry/streams";
import { WebSocketTunnelDialer } from "@skerry/streams/platform";
import { SecretStore } from "../../cloudhub/index.ts";
import type { CloudCore, CloudCoreOptions } from "../cloud-core.ts";
import { startCloudCore } from "../start-cloud-core.ts";

const never = new AbortController().signal;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Uint8Array;
}

/** A CloudCore with all its ports open on loopback, whose authority the test has in its hands. */
export class SecuredCloud implements AsyncDisposable {
  readonly core: CloudCore;
  readonly api: MemoryKubernetesApi;
  readonly authority: KeyedCertificate;
  /** The authority of the Kubernetes API. */
  readonly clusterAuthority: KeyedCertificate;

  private constructor(
    core: CloudCore,
    api: MemoryKubernetesApi,
    authority: KeyedCertificate,
    clusterAuthority: KeyedCertificate,
  ) {
    this.core = core;
    this.api = api;
    this.authority = authority;
    this.clusterAuthority = clusterAuthority;
  }

  static async start(
    options: Partial<CloudCoreOptions> & {
      /** Fills the API before CloudCore starts. */
      readonly prepare?: (api: MemoryKubernetesApi) => Promise<void>;
    } = {},
  ): Promise<SecuredCloud> {
    const { prepare, ...changes } = options;
    const api = new MemoryKubernetesApi();
    await prepare?.(api);
    const validity = { notBeforeMs: Date.now() - 400 * 86_400_000, notAfterMs: Date.now() + 86_400_000 };
    const authority = await systemPki.createCertificateAuthority({ validity });
    const clusterAuthority = await systemPki.createCertificateAuthority({ commonName: "kubernetes", validity });
    const data = { cadata: authority.certificateDer, cakeydata: authority.privateKeyDer };
    await new SecretStore(api).create("casecret", data);
    const defaults = defaultCloudCoreConfig();
    const core = await startCloudCore({
      config: {
        ...defaults,
        advertiseAddresses: ["127.0.0.1"],
        credentialFiles: { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" },
        cloudStream: { ...defaults.cloudStream, enabled: true },
      },
      clock,
      random,
      logger: silentLogger,
      ports: { webSocket: 0, https: 0, tunnel: 0, kubelet: 0 },
      kubernetes: { api, authorityPem: certificatePem(clusterAuthority.certificateDer) },
      installCustomResources: false,
      ...changes,
    });
    return new SecuredCloud(core, api, authority, clusterAuthority);
  }

  /** A client certificate; a good one of the node unless something is changed. */
  async certificate(
    nodeName: string,
    changes: Partial<CertificateOptions> = {},
    issuer: KeyedCertificate = this.authority,
  ): Promise<KeyedCertificate> {
    return systemPki.issueCertificate(issuer, {
      commonName: `system:node:${nodeName}`,
      organizations: ["system:nodes"],
      usages: ["clientAuth"],
      validity: { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 },
      ...changes,
    });
  }

  credentialsOf(pair: KeyedCertificate): LinkCredentials {
    return { authorityPem: certificatePem(this.authority.certificateDer), ...keyedCertificatePem(pair) };
  }

  /** Dials port 10000 as `claims`. */
  dial(pair: KeyedCertificate, claims: string): Promise<LinkConnection> {
    const dialer = new WebSocketDialer({ credentials: async () => this.credentialsOf(pair) });
    const url = `wss://127.0.0.1:${this.core.webSocketPort}/p/${claims}/events`;
    return dialer.dial(url, { node_id: claims, project_id: "p", ConnectionUse: "msg" }, never);
  }

  /** Dials port 10004 as `claims`. */
  dialTunnel(pair: KeyedCertificate, claims: string): Promise<FrameConnection> {
    const dialer = new WebSocketTunnelDialer(async () => this.credentialsOf(pair));
    const url = `wss://127.0.0.1:${this.core.tunnelPort}${TUNNEL_PATH}`;
    return dialer.dial(url, { SessionHostNameOverride: claims }, never);
  }

  /** Asks port 10002, or another one. */
  async get(
    path: string,
    options: {
      readonly pair?: KeyedCertificate;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array;
      readonly port?: number | undefined;
    } = {},
  ): Promise<Answer> {
    const { pair, headers = {}, body = new Uint8Array() } = options;
    const pem = pair && keyedCertificatePem(pair);
    const outgoing = request({
      host: "127.0.0.1",
      port: options.port ?? this.core.httpsPort,
      path,
      agent: false,
      headers: { ...headers, "content-length": String(body.length) },
      ca: certificatePem(this.authority.certificateDer),
      ...(pem ? { cert: pem.certificatePem, key: pem.privateKeyPem } : {}),
    });
    outgoing.end(body);
    const [response] = await once(outgoing, "response");
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const whole = Buffer.concat(chunks);
    return { status: response.statusCode, text: whole.toString("utf8"), body: new Uint8Array(whole) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.core[Symbol.asyncDispose]();
  }
}

/** Resolves with the connection's end, whatever ends it. */
export function endOf(connection: LinkConnection): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => connection.start({ onFrame: () => undefined, onClose: resolve }));
}
