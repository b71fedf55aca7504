import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { authorityHash, bearerTokenFor, createJoinToken, joinTokenExpiry, verifyBearerToken } from "./join-token.ts";
import { systemPki } from "./platform/system-pki.ts";

const authorityDer = new TextEncoder().encode("ca-der");
const key = new TextEncoder().encode("ca-key-der");
const expiresAtMs = 1_795_387_561_000;

/** Made by KubeEdge's own package from the same inputs (security.md 3.1). */
const KUBEEDGE_TOKEN =
  "9e7d0b95ce1401718101be73ed16d45f90f75aa5beea977101f24860ce2c8a9b.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" +
  ".eyJleHAiOjE3OTUzODc1NjF9.Sq27NrPmZrgLHdBNk_ViJFetlo8MnxxPWHzzDRoYj9Q";

test("a join token is byte for byte KubeEdge's for the same inputs", () => {
  assert.equal(createJoinToken(systemPki, { authorityDer, key, expiresAtMs }), KUBEEDGE_TOKEN);
  assert.equal(joinTokenExpiry(KUBEEDGE_TOKEN), expiresAtMs);
});

test("the edge takes the bearer part when the authority is the token's", () => {
  const bearer = bearerTokenFor(systemPki, `${KUBEEDGE_TOKEN}\n`, authorityDer);
  verifyBearerToken(systemPki, bearer, { key, nowMs: expiresAtMs - 1 });
  assert.equal(KUBEEDGE_TOKEN, `${authorityHash(systemPki, authorityDer)}.${bearer}`);
});

test("the edge refuses a token of another authority and one that is cut short", () => {
  const other = new TextEncoder().encode("another");
  assert.throws(
    () => bearerTokenFor(systemPki, KUBEEDGE_TOKEN, other),
    (error) => isSkerryError(error, "PKI_TOKEN_WRONG_AUTHORITY"),
  );
  for (const text of ["", "a.b.c", `${KUBEEDGE_TOKEN}.x`, "x".repeat(5000)])
    assert.throws(
      () => bearerTokenFor(systemPki, text, authorityDer),
      (error) => isSkerryError(error, "PKI_TOKEN_MALFORMED"),
    );
});

test("the cloud refuses what it did not sign, what has expired and what is no token", () => {
  const bearer = bearerTokenFor(systemPki, KUBEEDGE_TOKEN, authorityDer);
  const [header = "", , signature = ""] = bearer.split(".");
  const laterPayload = Buffer.from(JSON.stringify({ exp: 9_999_999_999 })).toString("base64url");
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${laterPayload}.`;
  const cases: [string, number, string][] = [
    ["", 0, "PKI_TOKEN_MISSING"],
    ["nonsense", 0, "PKI_TOKEN_MALFORMED"],
    [unsigned, 0, "PKI_TOKEN_MALFORMED"],
    [`${header}.${laterPayload}.${signature}`, 0, "PKI_TOKEN_FORGED"],
    [bearer, expiresAtMs, "PKI_TOKEN_EXPIRED"],
  ];
  for (const [token, nowMs, code] of cases)
    assert.throws(
      () => verifyBearerToken(systemPki, token, { key, nowMs }),
      (error) => isSkerryError(error, code),
      code,
    );
  assert.throws(
    () => verifyBearerToken(systemPki, bearer, { key: new TextEncoder().encode("other"), nowMs: 0 }),
    (error) => isSkerryError(error, "PKI_TOKEN_FORGED"),
  );
});
