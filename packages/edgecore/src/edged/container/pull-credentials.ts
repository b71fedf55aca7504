import type { Pod, Secret } from "@skerry/api";
import { fromBase64, isJsonObject, type JsonObject } from "@skerry/base";
import { objectAt, stringAt } from "../json-access.ts";
import type { RegistryCredentials } from "../ports.ts";
import type { ObjectLookup } from "./environment.ts";
import { registryOf } from "./image-reference.ts";

/** Credentials for the image's registry from the pod's `imagePullSecrets`; the first that fits. */
export async function pullCredentials(
  pod: Pod,
  image: string,
  lookup: ObjectLookup,
): Promise<RegistryCredentials | undefined> {
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    const secret = await lookup<Secret>("secret", name, true);
    const credentials = secret && registryCredentials(secret, image);
    if (credentials) return credentials;
  }
  return undefined;
}

/** What the Secret has for the image's registry. */
export function registryCredentials(secret: Secret, image: string): RegistryCredentials | undefined {
  for (const [server, entry] of Object.entries(registriesOf(secret) ?? {})) {
    if (!isJsonObject(entry) || !isServerOf(server, image)) continue;
    const credentials = credentialsOf(entry);
    if (credentials) return credentials;
  }
  return undefined;
}

function registriesOf(secret: Secret): JsonObject | undefined {
  try {
    const modern = secret.data?.[".dockerconfigjson"];
    if (modern !== undefined) return objectAt(parse(modern), "auths");
    const old = secret.data?.[".dockercfg"];
    return old === undefined ? undefined : parse(old);
  } catch {
    return undefined; // Not JSON: as good as no credentials; the registry's refusal is what the user sees.
  }
}

function parse(base64: string): JsonObject | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(fromBase64(base64)));
  return isJsonObject(value) ? value : undefined;
}

function isServerOf(server: string, image: string): boolean {
  const host = server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  const registry = registryOf(image);
  if (registry.host === "registry-1.docker.io") return /(^|\.)docker\.io$/.test(host);
  return host === registry.host || host === `${registry.host}:${registry.port}`;
}

function credentialsOf(entry: JsonObject): RegistryCredentials | undefined {
  const username = stringAt(entry, "username");
  const password = stringAt(entry, "password");
  if (username !== undefined && password !== undefined) return { username, password };
  const pair = new TextDecoder().decode(fromBase64(stringAt(entry, "auth") ?? ""));
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
