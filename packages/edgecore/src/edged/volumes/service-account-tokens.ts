import type { Pod, TokenRequest } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type JsonObject, type Logger, Mutex } from "@skerry/base";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { tokenUnavailable } from "../errors.ts";
import { podIdentity } from "../pod/runtime-names.ts";
import type { OpenedValue, ValueSeal } from "../ports.ts";
import {
  bareTokens,
  dropToken,
  emptyLog,
  keepToken,
  replaceSealed,
  type SealedToken,
  sealedToken,
  sealedTokens,
  type TokenPlace,
  wipeBareTokens,
} from "./sealed-tokens.ts";

/** The kubelet's own default; the three and seven seconds mark the request as a projected default one. */
const DEFAULT_EXPIRATION_SECONDS = 3607;
const REFRESH_AT_SHARE = 0.8;
/** The longest a token is used without asking for a newer one. */
const LONGEST_USE_MS = 24 * 3600_000;
/** How long to wait before asking again when there is no newer one to be had; also when one lives absurdly short. */
const RETRY_MS = 60_000;

/** What a projected token source asks for. */
export interface TokenSource {
  readonly audience?: string | undefined;
  readonly expirationSeconds?: number | undefined;
}

export interface TokenPorts {
  readonly meta: Pick<MetaClient, "read" | "transaction" | "call">;
  readonly seal: ValueSeal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A token and when a newer one should be fetched (wall clock, ms). */
interface UsableToken {
  readonly token: string;
  readonly refreshAtMs: number;
}

/**
 * Service-account tokens for pods (U18). A token is kept sealed in the database until its pod is gone and is asked for
 * anew at 80 % of its life; while the cloud cannot be asked the old one stays in use, so that a restart never waits for
 * it. One that cannot be opened any more (the node has another key) counts as none.
 */
export class ServiceAccountTokens {
  readonly #ports: TokenPorts;
  readonly #sealing = new Mutex();
  #hasToldUnreadable = false;

  constructor(ports: TokenPorts) {
    this.#ports = ports;
  }

  /** Call it before the node's key can change. Seals what an earlier version left unsealed; without a key none is kept. */
  async start(): Promise<void> {
    const { meta, seal, logger } = this.#ports;
    const bare = meta.read(bareTokens);
    if (bare.length === 0 && meta.read(sealedTokens).length === 0) return;
    try {
      await seal.load();
      if (bare.length === 0) return;
      const sealed = (await Promise.all(bare.map((token) => this.#sealed(token, token)))).filter(
        (token) => token !== undefined,
      );
      await meta.transaction((transaction) => {
        for (const token of sealed) keepToken(transaction, token);
        wipeBareTokens(transaction);
      });
      meta.read(emptyLog);
      if (sealed.length > 0)
        logger.info("Service-account tokens in the database are encrypted now", { tokens: sealed.length });
      if (sealed.length < bare.length)
        logger.warn(
          "Service-account tokens that lay readable in the database were thrown away: the node has no key to encrypt them with; the cloud is asked for others",
          { tokens: bare.length - sealed.length },
        );
    } catch (error) {
      logger.warn("Service-account tokens cannot be encrypted; the next start tries again", {
        error: describeError(error),
      });
    }
  }

  /**
   * Seals with the node's present key what was sealed with the one before; tokens that neither opens are thrown away.
   * Never rejects.
   */
  sealAnew(): Promise<void> {
    const { meta, seal, logger } = this.#ports;
    return this.#sealing.run(async () => {
      try {
        for (const stored of meta.read(sealedTokens)) {
          const opened = await this.#opened(stored);
          const sealed = opened?.isOfOlderKey ? await seal.seal(opened.value, placeText(stored)) : undefined;
          if (sealed) await meta.transaction((transaction) => replaceSealed(transaction, stored, sealed));
        }
      } catch (error) {
        logger.warn("Service-account tokens were not encrypted with the node's new key", {
          error: describeError(error),
        });
      }
    });
  }

  /**
   * The token and when a newer one should be fetched.
   * @throws `EDGED_TOKEN_UNAVAILABLE`, `LINK_TIMEOUT`, ApiError when there is none yet and the cloud gives none
   */
  async token(pod: Pod, source: TokenSource, signal: AbortSignal): Promise<UsableToken> {
    const identity = podIdentity(pod);
    const { clock, logger } = this.#ports;
    const expirationSeconds = source.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS;
    const serviceAccount = pod.spec.serviceAccountName ?? "default";
    const request = JSON.stringify([serviceAccount, source.audience ?? "", expirationSeconds]);
    const place = { podUid: identity.uid, request };
    const known = await this.#known(place);
    const nowMs = clock.now();
    if (known && known.refreshAtMs > nowMs) return known;
    try {
      return await this.#fresh(pod, place, { ...source, expirationSeconds }, signal);
    } catch (error) {
      if (!known) throw isSkerryError(error, "LINK_DISCONNECTED") ? tokenUnavailable(serviceAccount, error) : error;
      logger.debug("A service-account token could not be renewed; the old one stays in use", {
        pod: `${identity.namespace}/${identity.name}`,
        error: describeError(error),
      });
      return { token: known.token, refreshAtMs: nowMs + RETRY_MS };
    }
  }

  async #fresh(
    pod: Pod,
    place: TokenPlace,
    { audience, expirationSeconds }: TokenSource & { readonly expirationSeconds: number },
    signal: AbortSignal,
  ): Promise<UsableToken> {
    const { meta, clock } = this.#ports;
    const { namespace } = podIdentity(pod);
    const nowMs = clock.now();
    const answer = await meta.call<TokenRequest & { metadata: { name: string } }>(
      {
        operation: "query",
        resource: `${namespace}/serviceaccounttoken/${pod.spec.serviceAccountName ?? "default"}`,
        content: tokenRequest(pod, audience, expirationSeconds),
      },
      signal,
    );
    const fresh = {
      token: answer.status?.token ?? "",
      refreshAtMs: nowMs + usableMs(answer.status?.expirationTimestamp, expirationSeconds, nowMs),
    };
    const sealed = await this.#sealed(place, fresh);
    if (sealed) await meta.transaction((transaction) => keepToken(transaction, sealed));
    return fresh;
  }

  async #known(place: TokenPlace): Promise<UsableToken | undefined> {
    const stored = this.#ports.meta.read((reader) => sealedToken(reader, place));
    const opened = stored && (await this.#opened(stored));
    return opened && { token: opened.value, refreshAtMs: stored.refreshAtMs };
  }

  /** The token; one that cannot be opened is thrown away, and that is told once. */
  async #opened(stored: SealedToken): Promise<OpenedValue | undefined> {
    const { meta, seal, logger } = this.#ports;
    const opened = await seal.open(stored.sealed, placeText(stored));
    if (opened) return opened;
    await meta.transaction((transaction) => dropToken(transaction, stored));
    if (!this.#hasToldUnreadable)
      logger.warn(
        "A stored service-account token cannot be decrypted and was thrown away; the cloud is asked for another",
        {
          podUid: stored.podUid,
          reason: "the node's key is another one than when it was stored, or the database is from an old copy",
        },
      );
    this.#hasToldUnreadable = true;
    return undefined;
  }

  async #sealed(place: TokenPlace, { token, refreshAtMs }: UsableToken): Promise<SealedToken | undefined> {
    const sealed = await this.#ports.seal.seal(token, placeText(place));
    return sealed && { podUid: place.podUid, request: place.request, sealed, refreshAtMs };
  }
}

/** What a token is sealed for. */
function placeText({ podUid, request }: TokenPlace): string {
  return JSON.stringify(["service-account-token", podUid, request]);
}

function tokenRequest(pod: Pod, audience: string | undefined, expirationSeconds: number): JsonObject {
  const { name, uid } = podIdentity(pod);
  return {
    metadata: { creationTimestamp: null },
    spec: {
      audiences: audience ? [audience] : null,
      expirationSeconds,
      boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
    },
    status: { token: "", expirationTimestamp: null },
  };
}

function usableMs(expiration: string | null | undefined, expirationSeconds: number, nowMs: number): number {
  const expiresAtMs = expiration ? Date.parse(expiration) : Number.NaN;
  const lifeMs = Number.isNaN(expiresAtMs) ? expirationSeconds * 1000 : Math.max(0, expiresAtMs - nowMs);
  return Math.max(RETRY_MS, Math.min(LONGEST_USE_MS, Math.floor(lifeMs * REFRESH_AT_SHARE)));
}
