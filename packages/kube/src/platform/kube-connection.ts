import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { kubeconfigInvalid, kubeconfigUnreadable, notInCluster } from "../errors.ts";
import { type KubeContext, type Material, parseKubeconfig } from "../rest/kubeconfig.ts";

/** All that is needed to talk to an API server, files read. */
export interface KubeConnection {
  /** URL without a slash at its end. */
  readonly server: string;
  readonly caCertificatePem?: string;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly clientCertificatePem?: string;
  readonly clientKeyPem?: string;
  /** Value of the `Authorization` header; asked for again and again, because token files change. */
  readonly authorization?: () => Promise<string>;
  readonly namespace: string;
}

const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
/** A token file is read again after this; the kubelet renews tokens long before they end. */
const TOKEN_FILE_VALID_MS = 60_000;

/**
 * Reads a kubeconfig file.
 * @param contextName instead of its current-context
 * @throws SkerryError `KUBE_KUBECONFIG_UNREADABLE`, `KUBE_KUBECONFIG_INVALID`
 */
export async function loadKubeconfig(path: string, contextName?: string): Promise<KubeConnection> {
  const text = await readText(path);
  return connectionOf(parseKubeconfig(text, path, dirname(resolve(path)), contextName), path);
}

/** A connection from a kubeconfig's text. @throws SkerryError as {@link loadKubeconfig} */
export async function kubeConnectionFromText(text: string, contextName?: string): Promise<KubeConnection> {
  return connectionOf(parseKubeconfig(text, "(given as text)", ".", contextName), "(given as text)");
}

/** The connection of a process in a pod, by its service account. @throws SkerryError `KUBE_NOT_IN_CLUSTER` */
export async function inClusterConnection(): Promise<KubeConnection> {
  const host = process.env["KUBERNETES_SERVICE_HOST"];
  const port = process.env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const tokenPath = `${SERVICE_ACCOUNT_FOLDER}/token`;
  if (!host || !existsSync(tokenPath)) throw notInCluster();
  const context: KubeContext = {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    certificateAuthority: { path: `${SERVICE_ACCOUNT_FOLDER}/ca.crt` },
    insecureSkipTlsVerify: false,
    token: { path: tokenPath },
    namespace: (await readText(`${SERVICE_ACCOUNT_FOLDER}/namespace`)).trim() || "default",
  };
  return connectionOf(context, SERVICE_ACCOUNT_FOLDER);
}

async function connectionOf(context: KubeContext, source: string): Promise<KubeConnection> {
  const { server, insecureSkipTlsVerify, namespace, serverName } = context;
  const caCertificatePem = await pem(context.certificateAuthority, source, "certificate-authority");
  const clientCertificatePem = await pem(context.clientCertificate, source, "client-certificate");
  const clientKeyPem = await pem(context.clientKey, source, "client-key");
  const authorization = authorizationOf(context);
  return {
    server,
    insecureSkipTlsVerify,
    namespace,
    ...(serverName ? { serverName } : {}),
    ...(caCertificatePem ? { caCertificatePem } : {}),
    ...(clientCertificatePem ? { clientCertificatePem } : {}),
    ...(clientKeyPem ? { clientKeyPem } : {}),
    ...(authorization ? { authorization } : {}),
  };
}

function authorizationOf({ token, basicAuthentication }: KubeContext): (() => Promise<string>) | undefined {
  if (token) {
    if ("text" in token) return async () => `Bearer ${token.text}`;
    let cached: { readonly text: string; readonly readAtMs: number } | undefined;
    return async () => {
      const nowMs = performance.now();
      if (!cached || nowMs - cached.readAtMs > TOKEN_FILE_VALID_MS)
        cached = { text: (await readText(token.path)).trim(), readAtMs: nowMs };
      return `Bearer ${cached.text}`;
    };
  }
  if (!basicAuthentication) return undefined;
  const { username, password } = basicAuthentication;
  const header = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return async () => header;
}

async function pem(material: Material | undefined, source: string, what: string): Promise<string | undefined> {
  if (!material) return undefined;
  const text = "text" in material ? material.text : await readText(material.path);
  if (!text.includes("-----BEGIN ")) throw kubeconfigInvalid(source, `its ${what} is no PEM text`);
  return text;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw kubeconfigUnreadable(path, error);
  }
}
