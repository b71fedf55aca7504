import { type KubernetesObject, nodes, type ObjectMeta, secrets } from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import { Informer, isApiError, type KubernetesApi } from "@skerry/kube";
import type { KeyedCertificate, Pki } from "@skerry/pki";
import { authorityChangeUnderWay, credentialsUnusable, noAuthorityChange } from "../errors.ts";
import { CLOCK_TOLERANCE_MS, VALIDITY_MS } from "./cloud-credentials.ts";
import { type SecretStore, SYSTEM_NAMESPACE } from "./secrets.ts";

/** The authority in use, as KubeEdge names it (security.md 4.1). */
const CURRENT = "casecret";
/** The one that takes its place; while there is this Secret, both are trusted. */
const NEXT = "skerry-next-ca";
const CERTIFICATE_KEY = "cadata";
const PRIVATE_KEY_KEY = "cakeydata";
/** Of a Node: the fingerprint of the authority that has signed the certificate it was last seen with. */
export const AUTHORITY_ANNOTATION = "skerry.io/certificate-authority";

/** A change of the authority that is under way, or not. */
export interface AuthorityChange {
  readonly currentFingerprint: string;
  readonly nextFingerprint: string | undefined;
  /** Edge nodes that have a certificate of the next authority, and those that have not; by name. */
  readonly moved: readonly string[];
  readonly left: readonly string[];
}

/** The authority that is to take the present one's place; undefined when there is none. @throws ApiError */
export async function readNextAuthority(store: SecretStore): Promise<KeyedCertificate | undefined> {
  return readPair(store, NEXT);
}

/** Makes the authority that is to take the present one's place. @throws SkerryError `CLOUDHUB_CA_CHANGE_UNDER_WAY` */
export async function beginAuthorityChange(store: SecretStore, pki: Pki, nowMs: number): Promise<void> {
  const validity = { notBeforeMs: nowMs - CLOCK_TOLERANCE_MS, notAfterMs: nowMs + VALIDITY_MS };
  // Its name tells it from the one before, which has another key.
  const next = await pki.createCertificateAuthority({ commonName: `KubeEdge-${nowMs}`, validity });
  if (!(await store.create(NEXT, dataOf(next)))) throw authorityChangeUnderWay();
}

/** How far the nodes have come. @throws ApiError, SkerryError `CLOUDHUB_CREDENTIALS_UNUSABLE` */
export async function authorityChange(api: KubernetesApi, store: SecretStore, pki: Pki): Promise<AuthorityChange> {
  const current = await readPair(store, CURRENT);
  if (!current) throw credentialsUnusable(CURRENT, "it is not there");
  const next = await readNextAuthority(store);
  const nextFingerprint = next && pki.readCertificate(next.certificateDer).fingerprint;
  const { items } = await api.list<KubernetesObject>(
    { resource: nodes },
    { labelSelector: "node-role.kubernetes.io/edge" },
  );
  const byName = (moved: boolean): string[] =>
    items
      .filter(({ metadata }) => (metadata.annotations?.[AUTHORITY_ANNOTATION] === nextFingerprint) === moved)
      .map(({ metadata }) => metadata.name ?? "")
      .sort();
  return {
    currentFingerprint: pki.readCertificate(current.certificateDer).fingerprint,
    nextFingerprint,
    moved: next ? byName(true) : [],
    left: next ? byName(false) : [],
  };
}

/** Puts the next authority in the present one's place; the old one is worthless. @throws SkerryError, ApiError */
export async function finishAuthorityChange(api: KubernetesApi, store: SecretStore): Promise<void> {
  const next = await readNextAuthority(store);
  if (!next) throw noAuthorityChange();
  const stored = await store.read(CURRENT);
  if (!stored || !(await store.replace(CURRENT, dataOf(next), stored.resourceVersion)))
    throw credentialsUnusable(CURRENT, "it has just changed; try again");
  try {
    await api.delete({ resource: secrets, namespace: SYSTEM_NAMESPACE, name: NEXT });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
  }
}

export interface AuthorityWatchOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Certificates of the authorities that CloudCore has started with: the present one, and the next if there is one. */
  readonly authoritiesDer: readonly Uint8Array[];
  /** Called once when the Secrets hold others. */
  readonly onChange: () => void;
}

interface Secret extends KubernetesObject {
  metadata: ObjectMeta;
  data?: Record<string, string>;
}

/** Notices when the authority begins to change, or has changed: a CloudCore starts anew with it then. */
export class AuthorityWatch implements AsyncDisposable {
  readonly #informers: readonly Informer<Secret>[];
  readonly #options: AuthorityWatchOptions;
  #told = false;

  constructor(options: AuthorityWatchOptions) {
    this.#options = options;
    const { api, clock, random, logger } = options;
    this.#informers = [CURRENT, NEXT].map((name) => {
      const informer = new Informer<Secret>({
        api,
        clock,
        random,
        logger,
        target: { resource: secrets, namespace: SYSTEM_NAMESPACE },
        fieldSelector: `metadata.name=${name}`,
      });
      informer.listen(() => this.#compare());
      return informer;
    });
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const informer of this.#informers) await informer[Symbol.asyncDispose]();
  }

  #compare(): void {
    if (this.#told || !this.#informers.every(({ hasSynced }) => hasSynced)) return;
    // Somebody has deleted the present authority: to start anew now would make another, and lose all nodes.
    if (this.#informers[0]?.cache.list().length === 0) return;
    const stored = this.#informers.flatMap(({ cache }) => cache.list()).map(({ data }) => data?.[CERTIFICATE_KEY]);
    const known = this.#options.authoritiesDer.map((der) => Buffer.from(der).toString("base64"));
    if (stored.length === known.length && known.every((text) => stored.includes(text))) return;
    this.#told = true;
    this.#options.onChange();
  }
}

async function readPair(store: SecretStore, name: string): Promise<KeyedCertificate | undefined> {
  const stored = await store.read(name);
  if (!stored) return undefined;
  const certificateDer = stored.data[CERTIFICATE_KEY];
  const privateKeyDer = stored.data[PRIVATE_KEY_KEY];
  if (!certificateDer || !privateKeyDer)
    throw credentialsUnusable(name, `it lacks ${CERTIFICATE_KEY} or ${PRIVATE_KEY_KEY}`);
  return { certificateDer, privateKeyDer };
}

function dataOf(pair: KeyedCertificate): Readonly<Record<string, Uint8Array>> {
  return { [CERTIFICATE_KEY]: pair.certificateDer, [PRIVATE_KEY_KEY]: pair.privateKeyDer };
}
