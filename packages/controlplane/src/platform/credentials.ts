import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Clock } from "@skerry/base";
import { type CertificateUsage, decodePem, type KeyedCertificate, keyedCertificatePem } from "@skerry/pki";
import { readPrivateKeyPem, systemPki } from "@skerry/pki/platform";
import { authorityDamaged, dataFolderUnusable } from "./errors.ts";

const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_DAYS = 3650;
const CERTIFICATE_DAYS = 365;
/** A certificate that ends sooner is renewed at start. */
const RENEW_DAYS = 60;

/** As kubeadm names it. */
const KUBELET_CLIENT_NAME = "kube-apiserver-kubelet-client";

/** A certificate and its key as PEM. */
export interface PemPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** All keys of a control plane. */
export interface Credentials {
  readonly authority: PemPair;
  /** The same authority, to sign with. */
  readonly signingAuthority: KeyedCertificate;
  readonly server: PemPair;
  readonly admin: PemPair;
  /** What the API server shows to kubelets. */
  readonly kubeletClient: PemPair;
  /** PEM of the key that signs service accounts' tokens. */
  readonly tokenKeyPem: string;
}

/** What the server certificate must be good for. */
export interface CredentialOptions {
  /** `pki` below it holds the files; keys are readable only by their owner. */
  readonly dataFolder: string;
  readonly address: string;
  readonly advertisedNames: readonly string[];
  readonly clock: Clock;
}

/**
 * Reads the control plane's keys and certificates, or makes those that are missing, ending or too narrow.
 * @throws `CONTROLPLANE_DATA_FOLDER_UNUSABLE`, `PKI_*`
 */
export async function loadCredentials(options: CredentialOptions): Promise<Credentials> {
  try {
    return await makeCredentials(options);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) throw dataFolderUnusable(options.dataFolder, error);
    throw error;
  }
}

async function makeCredentials(options: CredentialOptions): Promise<Credentials> {
  const folder = join(options.dataFolder, "pki");
  // The folder above holds the database, and in it every Secret.
  mkdirSync(options.dataFolder, { recursive: true, mode: 0o700 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const nowMs = options.clock.now();
  const validity = (days: number): { notBeforeMs: number; notAfterMs: number } => ({
    notBeforeMs: nowMs - DAY_MS,
    notAfterMs: nowMs + days * DAY_MS,
  });
  let authority = readPair(folder, "ca");
  const partOfIt = ["ca.crt", "ca.key"].some((name) => readIfThere(join(folder, name)) !== undefined);
  if (!authority && partOfIt) throw authorityDamaged(folder);
  if (!authority || !isGood(authority, nowMs)) {
    authority = await systemPki.createCertificateAuthority({
      commonName: "kubernetes",
      validity: validity(AUTHORITY_DAYS),
    });
    writePair(folder, "ca", authority);
  }
  const issuer = authority;
  const issue = async (
    name: string,
    commonName: string,
    organizations: readonly string[],
    usages: readonly CertificateUsage[],
    hosts: readonly string[],
  ): Promise<KeyedCertificate> => {
    const known = readPair(folder, name);
    if (known && isGood(known, nowMs, issuer, hosts)) return known;
    const made = await systemPki.issueCertificate(issuer, {
      commonName,
      organizations,
      usages,
      dnsNames: hosts.filter((host) => isIP(host) === 0),
      ipAddresses: hosts.filter((host) => isIP(host) !== 0),
      validity: validity(CERTIFICATE_DAYS),
    });
    writePair(folder, name, made);
    return made;
  };
  const server = await issue("apiserver", "kube-apiserver", [], ["serverAuth"], serverHosts(options));
  const admin = await issue("admin", "kubernetes-admin", ["system:masters"], ["clientAuth"], []);
  // The name that kubelets and CloudCore know the API server by; it has no rights of its own in the API.
  const kubeletClient = await issue("apiserver-kubelet-client", KUBELET_CLIENT_NAME, [], ["clientAuth"], []);
  return {
    authority: keyedCertificatePem(authority),
    signingAuthority: authority,
    server: keyedCertificatePem(server),
    admin: keyedCertificatePem(admin),
    kubeletClient: keyedCertificatePem(kubeletClient),
    tokenKeyPem: tokenKey(folder),
  };
}

/** Every name and address that clients may reach the server by. */
function serverHosts({ address, advertisedNames }: CredentialOptions): string[] {
  const local = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((item) => !item.address.startsWith("fe80"))
    .map((item) => item.address);
  const names = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
    "10.96.0.1",
  ];
  const any = address === "0.0.0.0" || address === "::" || address === "";
  return [...new Set([...names, ...(any ? [] : [address]), ...advertisedNames, ...(any ? local : [])])];
}

function isGood(
  pair: KeyedCertificate,
  nowMs: number,
  issuer?: KeyedCertificate,
  hosts: readonly string[] = [],
): boolean {
  try {
    const facts = systemPki.readCertificate(pair.certificateDer);
    if (facts.notAfterMs < nowMs + RENEW_DAYS * DAY_MS || !systemPki.keyMatches(pair)) return false;
    if (issuer)
      systemPki.verifyCertificate(pair.certificateDer, issuer.certificateDer, {
        usage: facts.usages[0] ?? "serverAuth",
        nowMs,
      });
    const known = new Set([...facts.dnsNames, ...facts.ipAddresses]);
    return hosts.every((host) => known.has(host) || host.includes(":"));
  } catch {
    return false;
  }
}

function readPair(folder: string, name: string): KeyedCertificate | undefined {
  const certificate = readIfThere(join(folder, `${name}.crt`));
  const key = readIfThere(join(folder, `${name}.key`));
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return { certificateDer: decodePem(certificate, "CERTIFICATE"), privateKeyDer: readPrivateKeyPem(key) };
  } catch {
    return undefined;
  }
}

function writePair(folder: string, name: string, pair: KeyedCertificate): void {
  const { certificatePem, privateKeyPem } = keyedCertificatePem(pair);
  writeWhole(join(folder, `${name}.key`), privateKeyPem, 0o600);
  writeWhole(join(folder, `${name}.crt`), certificatePem, 0o644);
}

function tokenKey(folder: string): string {
  const path = join(folder, "sa.key");
  const known = readIfThere(path);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeWhole(path, pem, 0o600);
  return pem;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes beside and renames, so that a crash never leaves half a key. */
function writeWhole(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, path);
}
