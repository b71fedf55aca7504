import type { Pod, TokenRequest } from "@skerry/api";
import { type Clock, describeError, type JsonObject, type Logger } from "@skerry/base";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { rememberedToken, rememberToken } from "../edged-tables.ts";
import { podIdentity } from "../pod/runtime-names.ts";

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

/**
 * Service-account tokens for pods (U18). A token is kept in the database until its pod is gone and is asked for anew at
 * 80 % of its life; while the cloud cannot be asked the old one stays in use, so that a restart never waits for it.
 */
export class ServiceAccountTokens {
  readonly #meta: MetaClient;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(meta: MetaClient, clock: Clock, logger: Logger) {
    this.#meta = meta;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * The token and when a newer one should be fetched (wall clock, ms).
   * @throws `LINK_DISCONNECTED`, `LINK_TIMEOUT`, ApiError when there is none yet and the cloud gives none
   */
  async token(pod: Pod, source: TokenSource, signal: AbortSignal): Promise<{ token: string; refreshAtMs: number }> {
    const identity = podIdentity(pod);
    const expirationSeconds = source.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS;
    const key = JSON.stringify([pod.spec.serviceAccountName ?? "default", source.audience ?? "", expirationSeconds]);
    const known = this.#meta.read((reader) => rememberedToken(reader, identity.uid, key));
    const nowMs = this.#clock.now();
    if (known && known.refreshAtMs > nowMs) return known;
    try {
      const answer = await this.#meta.call<TokenRequest & { metadata: { name: string } }>(
        {
          operation: "query",
          resource: `${identity.namespace}/serviceaccounttoken/${pod.spec.serviceAccountName ?? "default"}`,
          content: tokenRequest(pod, source.audience, expirationSeconds),
        },
        signal,
      );
      const fresh = {
        token: answer.status?.token ?? "",
        refreshAtMs: nowMs + usableMs(answer.status?.expirationTimestamp, expirationSeconds, nowMs),
      };
      await this.#meta.transaction((transaction) => rememberToken(transaction, identity.uid, key, fresh));
      return fresh;
    } catch (error) {
      if (!known) throw error;
      this.#logger.debug("A service-account token could not be renewed; the old one stays in use", {
        pod: `${identity.namespace}/${identity.name}`,
        error: describeError(error),
      });
      return { token: known.token, refreshAtMs: nowMs + RETRY_MS };
    }
  }
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
