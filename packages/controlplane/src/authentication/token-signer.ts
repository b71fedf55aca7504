import type { JsonObject } from "@skerry/base";

/** Signs and checks JSON Web Tokens with the control plane's own key; real in `platform/`. */
export interface TokenSigner {
  sign(claims: JsonObject): string;
  /** The claims of a token with a good signature; what they say is still to be checked. */
  verify(token: string): JsonObject | undefined;
  /** The public keys, as `/openid/v1/jwks` shows them. */
  publicKeys(): JsonObject;
}
