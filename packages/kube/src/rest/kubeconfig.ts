import { isAbsolute, join } from "node:path";
import { fromBase64, isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { parse } from "yaml";
import { kubeconfigInvalid } from "../errors.ts";

/** A secret or certificate as a kubeconfig gives it: in itself, or in a file beside it. */
export type Material = { readonly text: string } | { readonly path: string };

/** One server and how to log in there, as a kubeconfig's context says. */
export interface KubeContext {
  /** URL without a slash at its end. */
  readonly server: string;
  readonly certificateAuthority?: Material;
  /** Name that the server's certificate must have instead of the URL's host. */
  readonly serverName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly clientCertificate?: Material;
  readonly clientKey?: Material;
  readonly token?: Material;
  readonly basicAuthentication?: { readonly username: string; readonly password: string };
  readonly namespace: string;
}

/** Largest kubeconfig text that is read, in characters. */
const LONGEST_KUBECONFIG = 4 * 1024 * 1024;

/**
 * Reads a kubeconfig text (YAML or JSON).
 * @param source what messages call it, e.g. its path
 * @param folder where its relative paths start
 * @param contextName instead of its current-context
 * @throws SkerryError `KUBE_KUBECONFIG_INVALID`
 */
export function parseKubeconfig(text: string, source: string, folder: string, contextName?: string): KubeContext {
  if (text.length > LONGEST_KUBECONFIG) throw kubeconfigInvalid(source, "it is too long");
  const reader = new KubeconfigReader(parseYaml(text, source), source, folder);
  return reader.context(contextName);
}

function parseYaml(text: string, source: string): JsonObject {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw kubeconfigInvalid(source, `it is no YAML: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (!isJsonObject(document)) throw kubeconfigInvalid(source, "it is empty or not a mapping");
  return document;
}

class KubeconfigReader {
  readonly #document: JsonObject;
  readonly #source: string;
  readonly #folder: string;

  constructor(document: JsonObject, source: string, folder: string) {
    this.#document = document;
    this.#source = source;
    this.#folder = folder;
  }

  context(contextName: string | undefined): KubeContext {
    const name = contextName ?? this.#text(this.#document, "current-context");
    if (!name) throw this.#invalid("it has no current-context");
    const context = this.#named("contexts", "context", name);
    const clusterName = this.#text(context, "cluster");
    if (!clusterName) throw this.#invalid(`context "${name}" names no cluster`);
    const cluster = this.#named("clusters", "cluster", clusterName);
    const userName = this.#text(context, "user");
    const user = userName ? this.#named("users", "user", userName) : {};
    for (const unsupported of ["exec", "auth-provider", "as"]) {
      if (user[unsupported] !== undefined)
        throw this.#invalid(`user "${userName}" logs in with "${unsupported}", which is not supported here`);
    }
    const certificateAuthority = this.#material(cluster, "certificate-authority");
    const serverName = this.#text(cluster, "tls-server-name");
    const clientCertificate = this.#material(user, "client-certificate");
    const clientKey = this.#material(user, "client-key");
    if ((clientCertificate === undefined) !== (clientKey === undefined))
      throw this.#invalid(`user "${userName}" has a client certificate or its key, but not both`);
    const token = this.#token(user);
    const username = this.#text(user, "username");
    return {
      server: this.#server(cluster, clusterName),
      insecureSkipTlsVerify: cluster["insecure-skip-tls-verify"] === true,
      namespace: this.#text(context, "namespace") ?? "default",
      ...(certificateAuthority ? { certificateAuthority } : {}),
      ...(serverName ? { serverName } : {}),
      ...(clientCertificate ? { clientCertificate } : {}),
      ...(clientKey ? { clientKey } : {}),
      ...(token ? { token } : {}),
      ...(username ? { basicAuthentication: { username, password: this.#text(user, "password") ?? "" } } : {}),
    };
  }

  #server(cluster: JsonObject, name: string): string {
    const server = this.#text(cluster, "server");
    const url = server && URL.canParse(server) ? new URL(server) : undefined;
    if (!server || !url || !["http:", "https:"].includes(url.protocol))
      throw this.#invalid(`cluster "${name}" has no http or https URL as its server`);
    return server.replace(/\/+$/, "");
  }

  #token(user: JsonObject): Material | undefined {
    const path = this.#text(user, "tokenFile");
    if (path) return { path: this.#resolve(path) };
    const text = this.#text(user, "token");
    return text ? { text } : undefined;
  }

  /** `x-data` (base64) wins over the path in `x`, as kubectl has it. */
  #material(object: JsonObject, member: string): Material | undefined {
    const data = this.#text(object, `${member}-data`);
    if (data) {
      if (!/^[A-Za-z0-9+/=\s]+$/.test(data)) throw this.#invalid(`${member}-data is not base64`);
      return { text: new TextDecoder().decode(fromBase64(data)) };
    }
    const path = this.#text(object, member);
    return path ? { path: this.#resolve(path) } : undefined;
  }

  #resolve(path: string): string {
    return isAbsolute(path) ? path : join(this.#folder, path);
  }

  #named(list: string, member: string, name: string): JsonObject {
    const entries = this.#document[list];
    const found = (Array.isArray(entries) ? entries : [])
      .filter((entry) => isJsonObject(entry))
      .find((entry) => entry["name"] === name);
    const value: JsonValue | undefined = found?.[member];
    if (!isJsonObject(value)) throw this.#invalid(`it has no entry "${name}" in its ${list}`);
    return value;
  }

  #text(object: JsonObject, member: string): string | undefined {
    const value = object[member];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw this.#invalid(`${member} is not a text`);
    return value;
  }

  #invalid(finding: string): Error {
    return kubeconfigInvalid(this.#source, finding);
  }
}
