import { readFile } from "node:fs/promises";
import { decodePem, type KeyedCertificate } from "@skerry/pki";
import { readPrivateKeyPem } from "@skerry/pki/platform";
import { halfPair } from "./errors.ts";

/**
 * A certificate and its key from PEM files; undefined when neither is there.
 * @throws SkerryError `CLOUDHUB_HALF_PAIR`, `PKI_PEM_INVALID`, `PKI_PRIVATE_KEY_INVALID`
 */
export async function readCredentialFiles(
  certificatePath: string,
  keyPath: string,
): Promise<KeyedCertificate | undefined> {
  const [certificate, key] = await Promise.all([readIfThere(certificatePath), readIfThere(keyPath)]);
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) throw halfPair(certificatePath, keyPath);
  return { certificateDer: decodePem(certificate, "CERTIFICATE"), privateKeyDer: readPrivateKeyPem(key) };
}

async function readIfThere(path: string): Promise<string | undefined> {
  if (path === "") return undefined;
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
