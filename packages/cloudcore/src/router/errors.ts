import { SkerryError } from "@skerry/base";

/** A rule's target in the cloud did not answer. */
export function targetUnreachable(url: string, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "ROUTER_TARGET_UNREACHABLE",
    message: `${url} does not answer: ${reason}`,
    advice: "Check the rule's targetResource.resource and that the service behind it runs.",
    details: { url },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A rule's target in the cloud answered with more than the edge takes. */
export function answerTooLarge(url: string, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "ROUTER_ANSWER_TOO_LARGE",
    message: `The answer of ${url} has more than ${limitBytes} bytes`,
    advice: "Let the service answer with less.",
    details: { url, limitBytes },
  });
}

/** A rule's target in the cloud did not like it. */
export function targetRefused(url: string, status: number): SkerryError {
  return new SkerryError({
    code: "ROUTER_TARGET_REFUSED",
    message: `${url} answered with status ${status}`,
    advice: "Look at what the service says in its own log.",
    details: { url, status },
  });
}

/** The token file in the configuration cannot be used. */
export function tokenFileUnusable(path: string, reason: string): SkerryError {
  return new SkerryError({
    code: "ROUTER_TOKEN_FILE_UNUSABLE",
    message: `modules.router.tokenFile ${path} cannot be used: ${reason}`,
    advice: "Name a readable file with one line of at least 16 characters.",
    details: { path },
  });
}

/** One of the two files for HTTPS cannot be used. */
export function routerFileUnreadable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "ROUTER_FILE_UNREADABLE",
    message: `The router's file ${path} cannot be read`,
    advice: "Correct modules.router.tlsCertFile and tlsPrivateKeyFile in cloudcore.yaml.",
    details: { path },
    cause,
  });
}
