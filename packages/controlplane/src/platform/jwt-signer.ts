import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { TokenSigner } from "../authentication/token-signer.ts";

/** Longest token that is looked at. */
const TOKEN_LIMIT = 16 * 1024;

/** Signs JSON Web Tokens as ES256 with an ECDSA P-256 key. */
export class JwtSigner implements TokenSigner {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;

  constructor(privateKeyPem: string) {
    this.#privateKey = createPrivateKey(privateKeyPem);
    this.#publicKey = createPublicKey(this.#privateKey);
    const der = this.#publicKey.export({ type: "spki", format: "der" });
    this.#keyId = createHash("sha256").update(der).digest("base64url");
  }

  sign(claims: JsonObject): string {
    const signed = `${encode({ alg: "ES256", kid: this.#keyId })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }

  verify(token: string): JsonObject | undefined {
    if (token.length > TOKEN_LIMIT) return undefined;
    const [header = "", claims = "", signature = "", ...more] = token.split(".");
    if (more.length > 0 || signature === "") return undefined;
    if (decode(header)?.["alg"] !== "ES256") return undefined;
    const key = { key: this.#publicKey, dsaEncoding: "ieee-p1363" } as const;
    const good = verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
    return good ? decode(claims) : undefined;
  }

  publicKeys(): JsonObject {
    const { kty = "", crv = "", x = "", y = "" } = this.#publicKey.export({ format: "jwk" });
    return { keys: [{ use: "sig", alg: "ES256", kid: this.#keyId, kty, crv, x, y }] };
  }
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
