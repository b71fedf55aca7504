import { SkerryError } from "@skerry/base";

const TOKEN_ADVICE =
  "Run `npx skerry token` where CloudCore runs and put the token that it prints into edgecore.yaml (modules.edgeHub.token).";

/** The node has neither a certificate nor a token to get one with. */
export function tokenMissing(nodeName: string, location: string): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_TOKEN_MISSING",
    message: `Node ${nodeName} has no certificate (${location}) and no join token to get one with`,
    advice: TOKEN_ADVICE,
    details: { nodeName, location },
  });
}

/** The stored certificate belongs to another node. */
export function otherNodesCertificate(nodeName: string, commonName: string, location: string): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_OTHER_NODE",
    message: `The certificate in ${location} is for "${commonName}", but this node is called ${nodeName}`,
    advice:
      "Set the node's name in edgecore.yaml to the certificate's, or remove the certificate and enrol again with a join token.",
    details: { nodeName, commonName, location },
  });
}

/** CloudCore does not let the node in. */
export function enrolmentRefused(nodeName: string, status: number, text: string): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_REFUSED",
    message: `CloudCore refused a certificate for node ${nodeName}: HTTP ${status}${text ? `, ${text}` : ""}`,
    advice: TOKEN_ADVICE,
    details: { nodeName, status },
  });
}

/** CloudCore answered, but not with a certificate. It may pass. */
export function enrolmentFailed(url: string, status: number, text: string): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_FAILED",
    message: `${url} answered HTTP ${status}${text ? `, ${text}` : ""}`,
    advice:
      "It is tried again; check that the address is CloudCore's HTTPS port (10002 unless changed), and CloudCore's log.",
    details: { url, status },
  });
}

/** CloudCore cannot be reached. It may pass. */
export function enrolmentUnreachable(url: string, cause: unknown): SkerryError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SkerryError({
    code: "ENROLMENT_UNREACHABLE",
    message: `${url} cannot be reached: ${text}`,
    advice: "It is tried again; check the network and modules.edgeHub.httpServer in edgecore.yaml.",
    details: { url },
    cause,
  });
}

/** The answer is larger than any certificate. */
export function answerTooLarge(url: string, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_ANSWER_TOO_LARGE",
    message: `${url} answered more than ${limitBytes} bytes`,
    advice: "Check that the address is CloudCore's HTTPS port (10002 unless changed).",
    details: { url, limitBytes },
  });
}

/** The issued certificate is not for this node or this key. */
export function certificateMismatch(nodeName: string, commonName: string): SkerryError {
  return new SkerryError({
    code: "ENROLMENT_CERTIFICATE_MISMATCH",
    message: `CloudCore issued a certificate for "${commonName}" instead of node ${nodeName}, or for another key`,
    advice: "Check that the address is the right CloudCore's, and its log.",
    details: { nodeName, commonName },
  });
}
