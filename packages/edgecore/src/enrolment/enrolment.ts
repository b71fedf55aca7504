import { type Clock, describeError, isSkerryError, type Logger, type Random, RetrySchedule, sleep } from "@skerry/base";
import {
  authorityHash,
  bearerTokenFor,
  type CertificateFacts,
  decodeCertificates,
  type KeyedCertificate,
  nodeSubject,
  type Pki,
  readSkerryToken,
} from "@skerry/pki";
import {
  certificateMismatch,
  enrolmentFailed,
  enrolmentRefused,
  otherNodesCertificate,
  tokenMissing,
} from "./errors.ts";
import {
  type CredentialStore,
  type EnrolmentHttp,
  type EnrolmentResponse,
  type NodeCredentials,
  type ServerTrust,
  trustedBy,
} from "./ports.ts";

/** What enrolment works with. */
export interface EnrolmentPorts {
  readonly http: EnrolmentHttp;
  readonly store: CredentialStore;
  readonly pki: Pki;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EnrolmentOptions {
  readonly nodeName: string;
  /** `https://host:port` of CloudCore's HTTPS server. */
  readonly httpServer: string;
  /** Join token; empty when there is none. */
  readonly token: string;
}

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CERTIFICATE_BYTES = 1024 * 1024;
/** The present one, and the next while it changes. */
const MAX_AUTHORITIES = 2;
/** Failures that may pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(["ENROLMENT_UNREACHABLE", "ENROLMENT_FAILED"]);

/** Gets the node its certificate, as KubeEdge does it (security.md 5). */
export class Enrolment {
  readonly #ports: EnrolmentPorts;
  readonly #options: EnrolmentOptions;
  readonly #logger: Logger;

  constructor(ports: EnrolmentPorts, options: EnrolmentOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#logger = ports.logger.child("enrolment");
  }

  /**
   * How the node stands: `enrolled` with a certificate that holds; `expired`, so that it has to be renewed first;
   * `token`, when it has to enrol; `other-token`, when it has a certificate, but was given a token that it has not
   * enrolled with: somebody wants it to join anew, for instance after it was revoked.
   * @throws SkerryError `ENROLMENT_TOKEN_MISSING`, `ENROLMENT_OTHER_NODE`
   */
  async check(): Promise<"enrolled" | "expired" | "token" | "other-token"> {
    const { store, pki, clock } = this.#ports;
    const { nodeName, token } = this.#options;
    const stored = await store.read();
    if (!stored) {
      if (token === "") throw tokenMissing(nodeName, store.location);
      return "token";
    }
    const facts = pki.readCertificate(stored.certificateDer);
    if (facts.commonName !== nodeSubject(nodeName).commonName) {
      throw otherNodesCertificate(nodeName, facts.commonName, store.location);
    }
    const tokenId = readSkerryToken(token)?.id;
    if (tokenId !== undefined && tokenId !== (await store.readTokenId())) return "other-token";
    return clock.now() < facts.notAfterMs ? "enrolled" : "expired";
  }

  /**
   * Resolves when the node has a certificate; tries again while CloudCore cannot be reached.
   * @throws SkerryError when CloudCore refuses, or shows another authority than the token's
   */
  async ensure(signal: AbortSignal): Promise<void> {
    const retry = new RetrySchedule({ initialMs: 2000, maximumMs: 30_000 }, this.#ports.random);
    for (;;) {
      try {
        await this.#ensureOnce(signal);
        return;
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw error;
        const delayMs = retry.nextDelayMs();
        this.#logger.warn("The node could not enrol yet; it tries again", { error: describeError(error), delayMs });
        await sleep(this.#ports.clock, delayMs, signal);
      }
    }
  }

  /** When to renew: at a random point between 60 % and 75 % of the certificate's time. */
  async renewalTimeMs(): Promise<number | undefined> {
    const stored = await this.#ports.store.read();
    if (!stored) return undefined;
    const { notBeforeMs, notAfterMs } = this.#ports.pki.readCertificate(stored.certificateDer);
    return notBeforeMs + (notAfterMs - notBeforeMs) * (0.6 + 0.15 * this.#ports.random.float());
  }

  /** Replaces the certificate, proving the node's identity by the present one (security.md 6). */
  async renew(signal: AbortSignal): Promise<void> {
    const stored = await this.#ports.store.read();
    if (!stored) throw tokenMissing(this.#options.nodeName, this.#ports.store.location);
    await this.#issue(stored, { identity: stored }, signal);
  }

  /** Whether the node trusts the authority with this SHA-256 (hex) and no other. */
  async trustsOnly(hash: string): Promise<boolean> {
    const stored = await this.#ports.store.read();
    if (!stored) return false;
    const trusted = trustedBy(stored);
    return (
      trusted.length === 1 && trusted.every((authorityDer) => authorityHash(this.#ports.pki, authorityDer) === hash)
    );
  }

  /**
   * Follows CloudCore's authorities: trusts those that it names over the trusted connection, and takes a certificate of
   * the one that is to come. KubeEdge's CloudCore has no such thing, and nothing happens.
   */
  async followAuthorities(signal: AbortSignal): Promise<void> {
    const { store } = this.#ports;
    const stored = await store.read();
    const bundle = stored && (await this.#bundle(stored, signal));
    const [authorityDer, nextAuthorityDer] = bundle ?? [];
    if (!stored || !authorityDer) return;
    if (!sameAuthorities(trustedBy(stored), bundle ?? [])) {
      const { certificateDer, privateKeyDer } = stored;
      const next = nextAuthorityDer ? { nextAuthorityDer } : {};
      await store.write({ certificateDer, privateKeyDer, authorityDer, ...next });
      this.#logger.info("CloudCore's certificate authority changes", { authorities: bundle?.length });
    }
    if (!nextAuthorityDer || this.#isIssuedBy(stored.certificateDer, nextAuthorityDer)) return;
    await this.renew(signal);
    // Asked with the new certificate, CloudCore knows that this node has moved.
    const moved = await store.read();
    if (moved) await this.#bundle(moved, signal);
  }

  async #bundle(stored: NodeCredentials, signal: AbortSignal): Promise<readonly Uint8Array[] | undefined> {
    const trust = { kind: "authorities", authoritiesDer: trustedBy(stored) } as const;
    const answer = await this.#get("/ca-bundle.crt", { trust, identity: stored }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#failure("/ca-bundle.crt", answer);
    return decodeCertificates(Buffer.from(answer.body).toString("utf8"), MAX_AUTHORITIES);
  }

  #isIssuedBy(certificateDer: Uint8Array, authorityDer: Uint8Array): boolean {
    const { pki, clock } = this.#ports;
    try {
      pki.verifyCertificate(certificateDer, authorityDer, { usage: "clientAuth", nowMs: clock.now() });
      return true;
    } catch {
      return false;
    }
  }

  async #ensureOnce(signal: AbortSignal): Promise<void> {
    const standing = await this.check();
    if (standing === "enrolled") return;
    if (standing === "token") return this.#enrol(signal);
    if (standing === "expired") return this.#renewExpired(signal);
    try {
      await this.#enrol(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#logger.warn("The node could not enrol with its new token; it goes on with its certificate", {
        error: describeError(error),
      });
      // What CloudCore says to an expired certificate counts more than what it said to the token.
      const stored = await this.#ports.store.read();
      const facts = stored && this.#ports.pki.readCertificate(stored.certificateDer);
      if (facts && this.#ports.clock.now() >= facts.notAfterMs) await this.renew(signal);
    }
  }

  /** The node was offline when its certificate ended: its key proves who it is, as long as CloudCore allows. */
  async #renewExpired(signal: AbortSignal): Promise<void> {
    try {
      await this.renew(signal);
    } catch (error) {
      if (signal.aborted || isPassing(error) || this.#options.token === "") throw error;
      this.#logger.warn("The expired certificate was not renewed; the node enrols with its token", {
        error: describeError(error),
      });
      await this.#enrol(signal);
    }
  }

  async #enrol(signal: AbortSignal): Promise<void> {
    const { pki } = this.#ports;
    const answer = await this.#get("/ca.crt", { trust: { kind: "anyone" } }, signal);
    if (answer.status !== 200) throw this.#failure("/ca.crt", answer);
    const authorityDer = answer.body;
    const bearer = bearerTokenFor(pki, this.#options.token, authorityDer);
    await this.#issue({ authorityDer }, { bearer }, signal);
    const tokenId = readSkerryToken(this.#options.token)?.id;
    if (tokenId !== undefined) await this.#ports.store.writeTokenId(tokenId);
  }

  async #issue(
    authorities: Pick<NodeCredentials, "authorityDer" | "nextAuthorityDer">,
    proof: { readonly bearer: string } | { readonly identity: KeyedCertificate },
    signal: AbortSignal,
  ): Promise<void> {
    const { pki, clock, store } = this.#ports;
    const { nodeName } = this.#options;
    const request = await pki.createCertificateRequest(
      nodeSubject(nodeName),
      "bearer" in proof ? await store.readPendingKey() : undefined,
    );
    if ("bearer" in proof) await store.writePendingKey(request.privateKeyDer);
    const answer = await this.#get(
      "/edge.crt",
      {
        trust: { kind: "authorities", authoritiesDer: trustedBy(authorities) },
        headers: {
          NodeName: nodeName,
          ...bundleHeader(authorities),
          ...("bearer" in proof ? { Authorization: `Bearer ${proof.bearer}` } : {}),
        },
        body: request.requestDer,
        ...("identity" in proof ? { identity: proof.identity } : {}),
      },
      signal,
    );
    if (answer.status !== 200) throw this.#failure("/edge.crt", answer);
    const credentials: NodeCredentials = {
      authorityDer: authorities.authorityDer,
      ...(authorities.nextAuthorityDer ? { nextAuthorityDer: authorities.nextAuthorityDer } : {}),
      certificateDer: answer.body,
      privateKeyDer: request.privateKeyDer,
    };
    const issuer = trustedBy(authorities).find((authorityDer) => this.#isIssuedBy(answer.body, authorityDer));
    const options = { usage: "clientAuth", nowMs: clock.now() } as const;
    const facts = pki.verifyCertificate(answer.body, issuer ?? authorities.authorityDer, options);
    this.#requireOwn(facts, credentials);
    await store.write(credentials);
    this.#logger.info("The node has a new certificate", {
      node: nodeName,
      holdsUntil: new Date(facts.notAfterMs).toISOString(),
      location: store.location,
    });
  }

  #requireOwn(facts: CertificateFacts, credentials: NodeCredentials): void {
    const { nodeName } = this.#options;
    if (facts.commonName !== nodeSubject(nodeName).commonName || !this.#ports.pki.keyMatches(credentials)) {
      throw certificateMismatch(nodeName, facts.commonName);
    }
  }

  #get(
    path: string,
    request: {
      readonly trust: ServerTrust;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array;
      readonly identity?: KeyedCertificate;
    },
    signal: AbortSignal,
  ): Promise<EnrolmentResponse> {
    return this.#ports.http.get(
      { ...request, url: this.#url(path), timeoutMs: REQUEST_TIMEOUT_MS, maxResponseBytes: MAX_CERTIFICATE_BYTES },
      signal,
    );
  }

  #failure(path: string, { status, body }: EnrolmentResponse): Error {
    const text = Buffer.from(body.subarray(0, 300)).toString("utf8").trim();
    const isRefusal = status === 401 || status === 403 || status === 409;
    return isRefusal
      ? enrolmentRefused(this.#options.nodeName, status, text)
      : enrolmentFailed(this.#url(path), status, text);
  }

  #url(path: string): string {
    return `${this.#options.httpServer.replace(/\/+$/, "")}${path}`;
  }
}

/** Says that the node trusts the authority that is to come, so that it may issue the certificate. */
function bundleHeader({ nextAuthorityDer }: Pick<NodeCredentials, "nextAuthorityDer">): Record<string, string> {
  return nextAuthorityDer ? { "skerry-ca-bundle": "true" } : {};
}

function sameAuthorities(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return left.length === right.length && left.every((der, index) => Buffer.compare(der, right[index] ?? der) === 0);
}

/** Whether another try may succeed without anybody doing anything. */
export function isPassing(error: unknown): boolean {
  return isSkerryError(error) && PASSING.has(error.code);
}
