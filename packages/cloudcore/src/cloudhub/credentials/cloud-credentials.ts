import { type Clock, describeError, type Logger } from "@skerry/base";
import type { CertificateFacts, KeyedCertificate, Pki } from "@skerry/pki";
import { credentialsUnusable } from "../errors.ts";
import type { SecretStore } from "./secrets.ts";

/** The authority of the edges' certificates, and the server's own certificate. */
export interface CloudCredentials {
  readonly authority: KeyedCertificate;
  readonly server: KeyedCertificate;
}

export interface CloudCredentialsOptions {
  readonly store: SecretStore;
  readonly pki: Pki;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Pairs from files; they take precedence over the Secrets. */
  readonly files: { readonly authority?: KeyedCertificate; readonly server?: KeyedCertificate };
  /** Names and addresses that edges dial. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly signal?: AbortSignal;
}

/** A Secret that holds a pair, as KubeEdge names it (security.md 4.1). */
interface PairSecret {
  readonly name: string;
  readonly certificateKey: string;
  readonly privateKeyKey: string;
}

const AUTHORITY_SECRET: PairSecret = { name: "casecret", certificateKey: "cadata", privateKeyKey: "cakeydata" };
const SERVER_SECRET: PairSecret = {
  name: "cloudcoresecret",
  certificateKey: "cloudcoredata",
  privateKeyKey: "cloudcorekeydata",
};

/** KubeEdge's 100 years of 364 days. */
export const VALIDITY_MS: number = 100 * 364 * 86_400_000;
/** Machines' clocks differ: a certificate holds from a little before it is made. */
export const CLOCK_TOLERANCE_MS = 300_000;
/** Names that a server's certificate is given over time; beyond it only the present ones. */
const MAX_NAMES = 100;
const TRIES = 5;

/**
 * Gets CloudCore's credentials: from files, else from the Secrets, else made anew; what is used ends up in the Secrets.
 * A Secret is only ever created, never overwritten, when it is missing: of two CloudCores that start together both end
 * up with the first one's (security.md S14). The server's certificate is made anew when it lacks a name (S13).
 * @throws SkerryError `CLOUDHUB_CREDENTIALS_UNUSABLE`; ApiError
 */
export async function loadCloudCredentials(options: CloudCredentialsOptions): Promise<CloudCredentials> {
  const authority = await loadAuthority(options);
  const server = await loadServer(options, authority);
  return { authority, server };
}

async function loadAuthority(options: CloudCredentialsOptions): Promise<KeyedCertificate> {
  const { pki, clock, files, logger } = options;
  const nowMs = clock.now();
  const make = (): Promise<KeyedCertificate> =>
    pki.createCertificateAuthority({
      validity: { notBeforeMs: nowMs - CLOCK_TOLERANCE_MS, notAfterMs: nowMs + VALIDITY_MS },
    });
  const authority = await settle(options, AUTHORITY_SECRET, files.authority, make, () => true);
  const facts = pki.readCertificate(authority.certificateDer);
  if (!facts.isCertificateAuthority || !pki.keyMatches(authority))
    throw credentialsUnusable(AUTHORITY_SECRET.name, "it holds no certificate authority with its key");
  logger.info("The certificate authority of the edge nodes is ready", { fingerprint: facts.fingerprint });
  return authority;
}

async function loadServer(options: CloudCredentialsOptions, authority: KeyedCertificate): Promise<KeyedCertificate> {
  const { pki, clock, files } = options;
  const nowMs = clock.now();
  const make = (old: CertificateFacts | undefined): Promise<KeyedCertificate> =>
    pki.issueCertificate(authority, {
      commonName: "KubeEdge",
      organizations: ["KubeEdge"],
      usages: ["serverAuth"],
      // Another CloudCore may share the Secret: its names are kept.
      dnsNames: united(options.dnsNames, old?.dnsNames ?? []),
      ipAddresses: united(options.ipAddresses, (old?.ipAddresses ?? []).map(plainAddress)),
      validity: { notBeforeMs: nowMs - CLOCK_TOLERANCE_MS, notAfterMs: nowMs + VALIDITY_MS },
    });
  const isGood = (pair: KeyedCertificate): boolean => {
    try {
      const facts = pki.verifyCertificate(pair.certificateDer, authority.certificateDer, {
        usage: "serverAuth",
        nowMs,
      });
      const addresses = new Set(facts.ipAddresses.map(plainAddress));
      return (
        pki.keyMatches(pair) &&
        options.dnsNames.every((name) => facts.dnsNames.includes(name)) &&
        options.ipAddresses.every((address) => addresses.has(plainAddress(address)))
      );
    } catch {
      return false;
    }
  };
  return settle(options, SERVER_SECRET, files.server, make, isGood);
}

/** Brings a file's pair, the Secret's and a newly made one to one that all CloudCores use. */
async function settle(
  options: CloudCredentialsOptions,
  secret: PairSecret,
  file: KeyedCertificate | undefined,
  make: (old: CertificateFacts | undefined) => Promise<KeyedCertificate>,
  isGood: (pair: KeyedCertificate) => boolean,
): Promise<KeyedCertificate> {
  const { store, logger, signal } = options;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const stored = await store.read(secret.name, signal);
    const pair = stored && pairOf(secret, stored.data);
    if (stored && pair && !file && isGood(pair)) return pair;
    if (stored && file && pair && sameBytes(pair.certificateDer, file.certificateDer)) return file;
    const wanted = file ?? (await make(pair && readable(options, pair)));
    const data = { [secret.certificateKey]: wanted.certificateDer, [secret.privateKeyKey]: wanted.privateKeyDer };
    const written = stored
      ? await store.replace(secret.name, data, stored.resourceVersion, signal)
      : await store.create(secret.name, data, signal);
    if (written) {
      logger.info(stored ? "A Secret of CloudCore was renewed" : "A Secret of CloudCore was created", {
        secret: secret.name,
      });
      return wanted;
    }
  }
  throw credentialsUnusable(secret.name, "it keeps changing while CloudCore starts");
}

function pairOf(secret: PairSecret, data: Readonly<Record<string, Uint8Array>>): KeyedCertificate {
  const certificateDer = data[secret.certificateKey];
  const privateKeyDer = data[secret.privateKeyKey];
  if (!certificateDer || !privateKeyDer)
    throw credentialsUnusable(secret.name, `it lacks ${secret.certificateKey} or ${secret.privateKeyKey}`);
  return { certificateDer, privateKeyDer };
}

function readable({ pki, logger }: CloudCredentialsOptions, pair: KeyedCertificate): CertificateFacts | undefined {
  try {
    return pki.readCertificate(pair.certificateDer);
  } catch (error) {
    logger.warn("A stored certificate cannot be read; it is replaced", { error: describeError(error) });
    return undefined;
  }
}

function united(present: readonly string[], old: readonly string[]): readonly string[] {
  const all = [...new Set([...present, ...old])];
  return all.length <= MAX_NAMES ? all : [...new Set(present)];
}

/** One spelling per address: certificates write IPv6 in full and in capitals. */
function plainAddress(address: string): string {
  if (!address.includes(":")) return address;
  return URL.canParse(`http://[${address}]`) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
