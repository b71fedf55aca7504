import { tokenRefused } from "./errors.ts";
import { MAX_TOKEN_LENGTH } from "./join-token.ts";
import type { Pki } from "./pki.ts";
import { decodeSegment, encodeSegment, toBase64Url } from "./token-segments.ts";

/** What tells Skerry's own tokens from KubeEdge's, whose second part is a JWT's header. */
const MARK = "skerry1-";
const ID = /^[a-z2-7]{10}$/;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** What the holder of a token learns from it. The cloud believes none of it: there the stored record counts. */
export interface SkerryTokenFacts {
  /** Wall clock, ms. */
  readonly expiresAtMs: number;
  /** The one node it is for; left out for a batch. */
  readonly nodeName?: string;
  /** `host:port` of CloudHub's WebSocket. */
  readonly cloudHub: string;
  /** `host:port` of CloudHub's HTTPS. */
  readonly cloudHttps: string;
  /** `host:port` of CloudStream's tunnel port. */
  readonly cloudTunnel?: string;
}

/** The name of a token, and what only its holder knows. */
export interface SkerryTokenSecret {
  readonly id: string;
  readonly secret: string;
}

/** A new token's id and secret. */
export function newTokenSecret(pki: Pick<Pki, "randomBytes">): SkerryTokenSecret {
  const id = [...pki.randomBytes(10)].map((byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join("");
  return { id, secret: toBase64Url(pki.randomBytes(SECRET_BYTES)) };
}

/**
 * A join token of Skerry's: `<authority hash>.skerry1-<id>.<facts>.<secret>`. It has four parts, as KubeEdge's has, so
 * that KubeEdge's edges take it too: they check the first part and send the others as their bearer token.
 */
export function createSkerryToken(hash: string, { id, secret }: SkerryTokenSecret, facts: SkerryTokenFacts): string {
  const { expiresAtMs, nodeName, cloudHub, cloudHttps, cloudTunnel } = facts;
  const payload = encodeSegment({
    exp: Math.floor(expiresAtMs / 1000),
    ...(nodeName === undefined ? {} : { node: nodeName }),
    hub: cloudHub,
    https: cloudHttps,
    ...(cloudTunnel === undefined ? {} : { tunnel: cloudTunnel }),
  });
  return `${hash}.${MARK}${id}.${payload}.${secret}`;
}

/** What is in a Skerry token; undefined when the text is none. */
export function readSkerryToken(
  joinToken: string,
): { readonly id: string; readonly facts: SkerryTokenFacts } | undefined {
  const [, mark = "", payload = "", , ...more] = joinToken.trim().split(".");
  if (joinToken.length > MAX_TOKEN_LENGTH || more.length > 0 || !mark.startsWith(MARK)) return undefined;
  const claims = decodeSegment(payload);
  const { exp, node, hub, https, tunnel } = (claims ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof exp !== "number" || typeof hub !== "string" || typeof https !== "string") return undefined;
  return {
    id: mark.slice(MARK.length),
    facts: {
      expiresAtMs: exp * 1000,
      ...(typeof node === "string" ? { nodeName: node } : {}),
      cloudHub: hub,
      cloudHttps: https,
      ...(typeof tunnel === "string" ? { cloudTunnel: tunnel } : {}),
    },
  };
}

/**
 * Takes the bearer part of a Skerry token apart in the cloud; undefined when it is not one of Skerry's.
 * @throws SkerryError `PKI_TOKEN_MALFORMED`
 */
export function skerryTokenSecretOf(bearerToken: string): SkerryTokenSecret | undefined {
  if (!bearerToken.startsWith(MARK)) return undefined;
  const [mark = "", , secret = "", ...more] = bearerToken.split(".");
  const id = mark.slice(MARK.length);
  if (bearerToken.length > MAX_TOKEN_LENGTH || more.length > 0 || !ID.test(id) || !SECRET.test(secret))
    throw tokenRefused("malformed");
  return { id, secret };
}
