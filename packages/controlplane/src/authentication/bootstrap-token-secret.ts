import { fromBase64 } from "@skerry/base";

/** Where Secrets with bootstrap tokens are. */
export const BOOTSTRAP_TOKEN_NAMESPACE = "kube-system";
/** The type of such a Secret. */
export const BOOTSTRAP_TOKEN_TYPE = "bootstrap.kubernetes.io/token";

/** What the name of such a Secret has before the token's id. */
export const BOOTSTRAP_TOKEN_PREFIX = "bootstrap-token-";

/** A Secret as far as it matters to tokens. */
export interface TokenSecret {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** The text of one of the Secret's members; empty when it is missing or no text. */
export function secretText({ data }: TokenSecret, member: string): string {
  const encoded = data && Object.hasOwn(data, member) ? data[member] : undefined;
  try {
    return encoded === undefined ? "" : new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(encoded));
  } catch {
    return "";
  }
}

/** When the token ends; undefined for one that does not, 0 for a time that cannot be read. */
export function expirationMs(secret: TokenSecret): number | undefined {
  const text = secretText(secret, "expiration");
  if (text === "") return undefined;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  return (isTime && Date.parse(text)) || 0;
}
