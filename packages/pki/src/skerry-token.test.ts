import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { authorityHash, bearerTokenFor, joinTokenExpiry } from "./join-token.ts";
import { systemPki } from "./platform/system-pki.ts";
import { createSkerryToken, newTokenSecret, readSkerryToken, skerryTokenSecretOf } from "./skerry-token.ts";

const authorityDer = new TextEncoder().encode("ca-der");
const facts = {
  expiresAtMs: 1_795_387_561_000,
  nodeName: "edge-1",
  cloudHub: "192.0.2.7:10000",
  cloudHttps: "192.0.2.7:10002",
  cloudTunnel: "192.0.2.7:10004",
};

test("a Skerry token is read by both ends, and by KubeEdge's way of taking tokens apart", () => {
  const made = newTokenSecret(systemPki);
  const token = createSkerryToken(authorityHash(systemPki, authorityDer), made, facts);
  assert.deepEqual(readSkerryToken(`${token}\n`), { id: made.id, facts });
  assert.equal(joinTokenExpiry(token), facts.expiresAtMs);
  assert.deepEqual(skerryTokenSecretOf(bearerTokenFor(systemPki, token, authorityDer)), made);
});

test("KubeEdge's tokens are not taken for Skerry's", () => {
  assert.equal(skerryTokenSecretOf("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjF9.c2ln"), undefined);
  assert.equal(readSkerryToken("00.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjF9.c2ln"), undefined);
});

test("any text after Skerry's mark is a secret of the right form or is refused as malformed", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      try {
        const taken = skerryTokenSecretOf(`skerry1-${text}`);
        assert.match(taken?.id ?? "", /^[a-z2-7]{10}$/);
      } catch (error) {
        assert.ok(isSkerryError(error, "PKI_TOKEN_MALFORMED"), String(error));
      }
    }),
  );
});

test("two tokens share neither id nor secret", () => {
  const [one, two] = [newTokenSecret(systemPki), newTokenSecret(systemPki)];
  assert.notEqual(one.id, two.id);
  assert.notEqual(one.secret, two.secret);
});
