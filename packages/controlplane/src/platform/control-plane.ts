import { join } from "node:path";
import { type KubernetesObject, secrets } from "@skerry/api";
import { type Clock, fromBase64, type Logger, type Random, toBase64 } from "@skerry/base";
import { RotatingLog } from "@skerry/base/platform";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { certificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { SqliteDatabase } from "@skerry/store/platform";
import { createApiServer } from "../apiserver/api-server.ts";
import { startControllers } from "../controllers/index.ts";
import { storeMigrations } from "../registry/store-session.ts";
import { type Credentials, loadCredentials } from "./credentials.ts";
import { auditLogUnusable } from "./errors.ts";
import { listenHttps } from "./https-listener.ts";
import { JwtSigner } from "./jwt-signer.ts";
import { KubeletClient } from "./kubelet-client.ts";
import { WebhookClient } from "./webhook-client.ts";

const AUDIT_LOG_LIMITS = { limitBytes: 10 * 1024 * 1024, files: 5 };

/** How to run a control plane. */
export interface ControlPlaneOptions {
  /** Database, keys and certificates live here. */
  readonly dataFolder: string;
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** More names and addresses that clients reach it by. */
  readonly advertisedNames?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where CloudCore serves the kubelet's API of all nodes; left out: no logs, exec, attach and port-forward. */
  readonly kubeletEndpoint?: { readonly host: string; readonly port: number };
  /** A file that gets a line for each request from the network, at most 50 MB with its older ones; left out: none. */
  readonly auditLog?: string;
  /** Whether controllers and scheduler run too. @default true */
  readonly controllers?: boolean;
}

/** A running control plane. */
export interface ControlPlane extends AsyncDisposable {
  readonly port: number;
  /** The API within this process, with all rights. */
  readonly api: KubernetesApi;
  /** A kubeconfig of the administrator, with the certificates in it. */
  readonly kubeconfig: string;
  readonly caCertificatePem: string;
}

/** Starts API server, controllers and scheduler. @throws `CONTROLPLANE_*`, `STORE_*`, `PKI_*` */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dataFolder, address, clock, random } = options;
  const logger = options.logger.child("controlplane");
  const credentials = await loadCredentials({
    dataFolder,
    address,
    advertisedNames: options.advertisedNames ?? [],
    clock,
  });
  await using starting = new AsyncDisposableStack();
  const database = starting.use(
    new SqliteDatabase({ path: join(dataFolder, "controlplane.db"), migrations: storeMigrations }),
  );
  const audit = options.auditLog === undefined ? undefined : starting.use(openAuditLog(options.auditLog));
  const host = reachableHost(address);
  let port = options.port;
  const { kubeletEndpoint } = options;
  let kubelet: KubeletClient | undefined;
  const { handler, api } = starting.use(
    await createApiServer({
      database,
      signer: new JwtSigner(credentials.tokenKeyPem),
      clock,
      random,
      logger,
      serverAddress: () => `${host}:${port}`,
      webhooks: new WebhookClient(),
      ...(audit ? { audit: (line: string) => audit.write(Buffer.from(line)) } : {}),
      ...(kubeletEndpoint
        ? {
            kubelet: (own: KubernetesApi) => {
              const authorityPem = (): Promise<string | undefined> => cloudAuthorityPem(own);
              kubelet = new KubeletClient({ ...kubeletEndpoint, client: credentials.kubeletClient, authorityPem });
              return kubelet;
            },
          }
        : {}),
    }),
  );
  const listener = starting.use(
    await listenHttps({
      handler,
      address,
      port,
      server: credentials.server,
      authorityPem: credentials.authority.certificatePem,
      logger,
      ...(kubelet ? { kubelet } : {}),
    }),
  );
  port = listener.port;
  if (options.controllers ?? true)
    starting.use(
      await startControllers({
        ...{ api, clock, random, logger, rootCaPem: credentials.authority.certificatePem },
        signing: { pki: systemPki, authority: credentials.signingAuthority },
      }),
    );
  const running = starting.move();
  logger.info("The Kubernetes API is ready", { address, port });
  return {
    port,
    api,
    kubeconfig: kubeconfigOf(`https://${host}:${port}`, credentials),
    caCertificatePem: credentials.authority.certificatePem,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** CloudCore keeps the authority of its own certificates in this Secret, as KubeEdge does; undefined before its start. */
async function cloudAuthorityPem(api: KubernetesApi): Promise<string | undefined> {
  try {
    const at = { resource: secrets, namespace: "kubeedge", name: "casecret" };
    const secret = await api.get<KubernetesObject & { data?: Record<string, string> }>(at);
    const encoded = secret.data?.["cadata"];
    return encoded === undefined ? undefined : certificatePem(fromBase64(encoded));
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** @throws `CONTROLPLANE_AUDIT_LOG_UNUSABLE` */
function openAuditLog(path: string): RotatingLog {
  try {
    return new RotatingLog(path, AUDIT_LOG_LIMITS);
  } catch (error) {
    throw auditLogUnusable(path, error);
  }
}

/** The host that a client on this machine uses. */
function reachableHost(address: string): string {
  if (address === "" || address === "0.0.0.0" || address === "::") return "127.0.0.1";
  return address.includes(":") ? `[${address}]` : address;
}

function kubeconfigOf(server: string, { authority, admin }: Credentials): string {
  const encoded = (pem: string): string => toBase64(new TextEncoder().encode(pem));
  return `apiVersion: v1
kind: Config
clusters:
- name: skerry
  cluster:
    server: ${server}
    certificate-authority-data: ${encoded(authority.certificatePem)}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${encoded(admin.certificatePem)}
    client-key-data: ${encoded(admin.privateKeyPem)}
contexts:
- name: skerry
  context:
    cluster: skerry
    user: kubernetes-admin
current-context: skerry
`;
}
