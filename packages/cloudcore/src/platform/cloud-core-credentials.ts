import { isIP } from "node:net";
import type { Logger } from "@skerry/base";
import { systemPki } from "@skerry/pki/platform";
import { loadCloudCredentials, type SecretStore } from "../cloudhub/index.ts";
import type { CloudCoreOptions } from "./cloud-core.ts";
import { readCredentialFiles } from "./credential-files.ts";
import { hostAddresses } from "./host-addresses.ts";

/** The authority and the server's pair, from files or the cluster's Secrets; the certificate is for all our addresses. */
export async function readCloudCredentials(
  { config, clock, signal }: CloudCoreOptions,
  store: SecretStore,
  logger: Logger,
  advertised: readonly string[],
): ReturnType<typeof loadCloudCredentials> {
  const { kubeletDomain } = config.cloudStream;
  const files = config.credentialFiles;
  const authority = await readCredentialFiles(files.authorityCertificate, files.authorityKey);
  const server = await readCredentialFiles(files.serverCertificate, files.serverKey);
  return loadCloudCredentials({
    store,
    pki: systemPki,
    clock,
    logger,
    files: { ...(authority ? { authority } : {}), ...(server ? { server } : {}) },
    dnsNames: [
      ...config.dnsNames,
      ...advertised.filter((name) => isIP(name) === 0),
      ...(kubeletDomain === "" ? [] : [`*.${kubeletDomain}`]),
      "localhost",
    ],
    ipAddresses: [...advertised.filter((address) => isIP(address) !== 0), ...hostAddresses(), "127.0.0.1"],
    ...(signal ? { signal } : {}),
  });
}
