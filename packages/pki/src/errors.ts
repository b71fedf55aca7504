import { SkerryError } from "@skerry/base";

/** The bytes are no certificate. */
export function certificateInvalid(reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "PKI_CERTIFICATE_INVALID",
    message: `The certificate cannot be used: ${reason}`,
    advice: "Give a PEM or DER file with one X.509 certificate.",
    details: { reason },
    cause,
  });
}

/** Another authority has signed the certificate, or it was altered. */
export function certificateWrongAuthority(commonName: string): SkerryError {
  return new SkerryError({
    code: "PKI_CERTIFICATE_WRONG_AUTHORITY",
    message: `The certificate of "${commonName}" was not signed by this installation's certificate authority`,
    advice: "Enrol again with a join token of this CloudCore.",
    details: { commonName },
  });
}

/** The certificate's time is over. */
export function certificateExpired(commonName: string, notAfterMs: number): SkerryError {
  return new SkerryError({
    code: "PKI_CERTIFICATE_EXPIRED",
    message: `The certificate of "${commonName}" expired at ${new Date(notAfterMs).toISOString()}`,
    advice: "Enrol again with a join token, and check the clocks of both machines.",
    details: { commonName, notAfterMs },
  });
}

/** The certificate's time has not come. */
export function certificateNotYetValid(commonName: string, notBeforeMs: number): SkerryError {
  return new SkerryError({
    code: "PKI_CERTIFICATE_NOT_YET_VALID",
    message: `The certificate of "${commonName}" holds only from ${new Date(notBeforeMs).toISOString()}`,
    advice: "Check the clocks of both machines.",
    details: { commonName, notBeforeMs },
  });
}

/** The certificate is for something else. */
export function certificateWrongUsage(commonName: string, usage: string): SkerryError {
  return new SkerryError({
    code: "PKI_CERTIFICATE_WRONG_USAGE",
    message: `The certificate of "${commonName}" may not be used for ${usage}`,
    advice: "Present a certificate that was issued for this purpose.",
    details: { commonName, usage },
  });
}

/** The bytes are no certificate request, or its signature is not by its own key. */
export function requestInvalid(reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "PKI_REQUEST_INVALID",
    message: `The certificate request cannot be used: ${reason}`,
    advice: "Send a PKCS#10 request in DER, signed by the key that it is for.",
    details: { reason },
    cause,
  });
}

/** The bytes are no private key of the kind used here. */
export function privateKeyInvalid(reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "PKI_PRIVATE_KEY_INVALID",
    message: `The private key cannot be used: ${reason}`,
    advice: "Give an unencrypted ECDSA P-256 key, SEC 1 or PKCS#8.",
    details: { reason },
    cause,
  });
}

/** The text is not PEM of the expected kind. */
export function pemInvalid(label: string): SkerryError {
  return new SkerryError({
    code: "PKI_PEM_INVALID",
    message: `The text holds no PEM block "${label}"`,
    advice: "Check that the file is the right one and complete.",
    details: { label },
  });
}

/** The certificate names nobody that Skerry knows. */
export function identityUnknown(commonName: string, organizations: readonly string[]): SkerryError {
  return new SkerryError({
    code: "PKI_IDENTITY_UNKNOWN",
    message: `The certificate names no edge node: CN "${commonName}", O "${organizations.join('", "')}"`,
    advice: 'A node\'s certificate has O "system:nodes" and CN "system:node:<node name>"; enrol the node anew.',
    details: { commonName, organizations: [...organizations] },
  });
}

/** The name cannot be a node's. */
export function nodeNameInvalid(nodeName: string): SkerryError {
  return new SkerryError({
    code: "PKI_NODE_NAME_INVALID",
    message: `"${nodeName.slice(0, 80)}" cannot be a node's name`,
    advice:
      "Use at most 253 characters: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit.",
  });
}

/** Why a join token is refused. */
export type TokenRefusal =
  | "missing"
  | "malformed"
  | "wrong-authority"
  | "unknown"
  | "forged"
  | "expired"
  | "revoked"
  | "used-up"
  | "wrong-node";

const TOKEN_REFUSALS: Record<TokenRefusal, { code: string; text: string }> = {
  missing: { code: "PKI_TOKEN_MISSING", text: "there is none" },
  malformed: { code: "PKI_TOKEN_MALFORMED", text: "it has not the form of a join token" },
  "wrong-authority": { code: "PKI_TOKEN_WRONG_AUTHORITY", text: "it is for another CloudCore's certificate authority" },
  forged: { code: "PKI_TOKEN_FORGED", text: "its signature is wrong" },
  expired: { code: "PKI_TOKEN_EXPIRED", text: "it has expired" },
  unknown: { code: "PKI_TOKEN_UNKNOWN", text: "this cloud has no token with its id" },
  revoked: { code: "PKI_TOKEN_REVOKED", text: "it was revoked" },
  "used-up": { code: "PKI_TOKEN_USED_UP", text: "as many nodes as it is for have enrolled with it" },
  "wrong-node": { code: "PKI_TOKEN_WRONG_NODE", text: "it is not for a node of this name" },
};

/** A join token was refused. */
export function tokenRefused(refusal: TokenRefusal): SkerryError {
  const { code, text } = TOKEN_REFUSALS[refusal];
  return new SkerryError({
    code,
    message: `The join token is refused: ${text}`,
    advice: "Get a fresh one where CloudCore runs (`skerry token`, or `keadm gettoken`) and copy all of it.",
  });
}
