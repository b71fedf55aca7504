import { type KubernetesObject, namespaces, type ObjectMeta, secrets } from "@skerry/api";
import { fromBase64, toBase64 } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { newTokenSecret, type Pki, type SkerryTokenSecret, tokenRefused } from "@skerry/pki";
import { tokenBusy, tokenLimitReached } from "../errors.ts";
import {
  decodeRecord,
  encodeRecord,
  type JoinTokenClaim,
  type JoinTokenRecord,
  type JoinTokenScope,
  judgeClaim,
  withUse,
} from "./join-token-record.ts";
import { SYSTEM_NAMESPACE } from "./secrets.ts";

interface TokenSecret extends KubernetesObject {
  metadata: ObjectMeta;
  type?: string;
  data?: Record<string, string>;
}

const NAME_PREFIX = "skerry-join-token-";
const RECORD_KEY = "record";
const LABEL = "skerry.io/join-token";
/** Tokens kept at once; those that are over go after {@link KEPT_AFTER_MS}. */
const MAX_TOKENS = 1_000;
/** How long a token that is over stays in the list, and its refusal says why. */
const KEPT_AFTER_MS = 7 * 86_400_000;
/** Of two CloudCores that change one token at once, one tries again. */
const TRIES = 10;

/** A use of a token that waits until it is stored. */
interface WaitingUse {
  readonly claim: JoinTokenClaim;
  readonly settle: (refusal: unknown) => void;
}

/**
 * The join tokens that Skerry gave out: a Secret each in the namespace `kubeedge`, so that every CloudCore knows them.
 * Of a token's secret only the hash is stored.
 */
export class JoinTokenRecords {
  readonly #api: KubernetesApi;
  readonly #pki: Pick<Pki, "sha256" | "randomBytes">;
  /** By token, while its Secret is written: as many as requests are open at once. */
  readonly #waiting = new Map<string, WaitingUse[]>();

  constructor(api: KubernetesApi, pki: Pick<Pki, "sha256" | "randomBytes">) {
    this.#api = api;
    this.#pki = pki;
  }

  /**
   * Makes a token. Its secret is nowhere but in the result.
   * @throws SkerryError `CLOUDHUB_TOKEN_LIMIT`; ApiError
   */
  async create(
    scope: JoinTokenScope,
    validity: { readonly nowMs: number; readonly expiresAtMs: number },
  ): Promise<{ readonly record: JoinTokenRecord; readonly token: SkerryTokenSecret }> {
    await this.#prune(validity.nowMs);
    const token = newTokenSecret(this.#pki);
    const record: JoinTokenRecord = {
      id: token.id,
      secretHash: this.#hashOf(token.secret),
      scope,
      createdAtMs: validity.nowMs,
      expiresAtMs: validity.expiresAtMs,
      uses: [],
    };
    const target = { resource: secrets, namespace: SYSTEM_NAMESPACE };
    try {
      await this.#api.create(target, secretOf(record));
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      await this.#createNamespace();
      await this.#api.create(target, secretOf(record));
    }
    return { record, token };
  }

  /** All tokens that are known, the newest first. @throws ApiError, SkerryError `CLOUDHUB_TOKEN_RECORD_UNUSABLE` */
  async list(): Promise<readonly JoinTokenRecord[]> {
    const { items } = await this.#api.list<TokenSecret>(
      { resource: secrets, namespace: SYSTEM_NAMESPACE },
      { labelSelector: `${LABEL}=true` },
    );
    return items.map(recordOf).sort((left, right) => right.createdAtMs - left.createdAtMs);
  }

  /** Makes a token worthless; nodes that enrolled with it stay. @throws SkerryError `PKI_TOKEN_UNKNOWN` */
  async revoke(id: string, nowMs: number): Promise<JoinTokenRecord> {
    return this.#change(id, (record) =>
      record.revokedAtMs === undefined ? { ...record, revokedAtMs: nowMs } : record,
    );
  }

  /**
   * Looks whether a token lets the node in, without using it up.
   * @throws SkerryError `PKI_TOKEN_UNKNOWN` and what {@link judgeClaim} throws
   */
  async check(
    token: SkerryTokenSecret,
    claim: Omit<JoinTokenClaim, "secretHash">,
  ): Promise<{ readonly record: JoinTokenRecord; readonly isRepeat: boolean }> {
    const record = recordOf(await this.#read(token.id));
    return { record, ...judgeClaim(record, { ...claim, secretHash: this.#hashOf(token.secret) }) };
  }

  /**
   * Uses the token for the node: what {@link check} does, and from then on the cloud knows of it. A batch's Secret grows
   * with each node, so uses that come while it is written share the next write.
   */
  use(token: SkerryTokenSecret, claim: Omit<JoinTokenClaim, "secretHash">): Promise<void> {
    const whole = { ...claim, secretHash: this.#hashOf(token.secret) };
    return new Promise((resolve, reject) => {
      const settle = (refusal: unknown): void => (refusal === undefined ? resolve() : reject(refusal));
      const waiting = this.#waiting.get(token.id);
      if (waiting) {
        waiting.push({ claim: whole, settle });
        return;
      }
      const first = [{ claim: whole, settle }];
      this.#waiting.set(token.id, first);
      void this.#storeUses(token.id, first);
    });
  }

  /** Stores what waits, until nothing does; never rejects. */
  async #storeUses(id: string, waiting: WaitingUse[]): Promise<void> {
    while (waiting.length > 0) {
      const uses = waiting.splice(0);
      let refusals: readonly unknown[] = [];
      try {
        await this.#change(id, (record) => {
          const judged = withUses(record, uses);
          refusals = judged.refusals;
          return judged.record;
        });
      } catch (error) {
        refusals = uses.map(() => error);
      }
      for (const [at, { settle }] of uses.entries()) settle(refusals[at]);
    }
    this.#waiting.delete(id);
  }

  async #change(id: string, change: (record: JoinTokenRecord) => JoinTokenRecord): Promise<JoinTokenRecord> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const secret = await this.#read(id);
      const record = recordOf(secret);
      const changed = change(record);
      if (changed === record) return record;
      const target = { resource: secrets, namespace: SYSTEM_NAMESPACE, name: NAME_PREFIX + id };
      try {
        await this.#api.update(target, secretOf(changed, secret.metadata.resourceVersion));
        return changed;
      } catch (error) {
        if (!isApiError(error, "Conflict")) throw error;
      }
    }
    throw tokenBusy(id);
  }

  async #read(id: string): Promise<TokenSecret> {
    try {
      return await this.#api.get<TokenSecret>({
        resource: secrets,
        namespace: SYSTEM_NAMESPACE,
        name: NAME_PREFIX + id,
      });
    } catch (error) {
      if (isApiError(error, "NotFound")) throw tokenRefused("unknown");
      throw error;
    }
  }

  async #prune(nowMs: number): Promise<void> {
    const records = await this.list();
    const overdue = records.filter(({ expiresAtMs }) => nowMs > expiresAtMs + KEPT_AFTER_MS);
    if (records.length - overdue.length >= MAX_TOKENS) throw tokenLimitReached(MAX_TOKENS);
    for (const { id } of overdue)
      await this.#api
        .delete({ resource: secrets, namespace: SYSTEM_NAMESPACE, name: NAME_PREFIX + id })
        .catch((error: unknown) => {
          if (!isApiError(error, "NotFound")) throw error;
        });
  }

  #hashOf(secret: string): string {
    return Buffer.from(this.#pki.sha256(new Uint8Array(Buffer.from(secret, "utf8")))).toString("hex");
  }

  async #createNamespace(): Promise<void> {
    try {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM_NAMESPACE } };
      await this.#api.create({ resource: namespaces }, namespace);
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
  }
}

/** The record after all claims that are good, and of each claim why it is not. */
function withUses(
  before: JoinTokenRecord,
  uses: readonly WaitingUse[],
): { readonly record: JoinTokenRecord; readonly refusals: readonly unknown[] } {
  let record = before;
  const refusals = uses.map(({ claim }): unknown => {
    try {
      if (!judgeClaim(record, claim).isRepeat) record = withUse(record, claim);
      return undefined;
    } catch (error) {
      return error;
    }
  });
  return { record, refusals };
}

function recordOf(secret: TokenSecret): JoinTokenRecord {
  const id = (secret.metadata.name ?? "").slice(NAME_PREFIX.length);
  return decodeRecord(id, Buffer.from(fromBase64(secret.data?.[RECORD_KEY] ?? "")).toString("utf8"));
}

function secretOf(record: JoinTokenRecord, resourceVersion?: string): TokenSecret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: NAME_PREFIX + record.id,
      namespace: SYSTEM_NAMESPACE,
      labels: { [LABEL]: "true" },
      ...(resourceVersion ? { resourceVersion } : {}),
    },
    type: "Opaque",
    data: { [RECORD_KEY]: toBase64(new Uint8Array(Buffer.from(encodeRecord(record), "utf8"))) },
  };
}
