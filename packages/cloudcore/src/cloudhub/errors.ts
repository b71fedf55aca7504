import { SkerryError } from "@skerry/base";

/** A connection claims to be another node than its certificate says. */
export function nodeIdMismatch(claimed: string, proven: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NODE_ID_MISMATCH",
    message: `The connection calls itself "${claimed.slice(0, 80)}", its certificate is for "${proven}"`,
    advice: "Make the node's name in edgecore.yaml the one it enrolled with, or enrol it anew under the new name.",
    details: { claimed: claimed.slice(0, 253), proven },
  });
}

/** As many nodes are connected as are allowed. */
export function nodeLimitReached(limit: number): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NODE_LIMIT",
    message: `${limit} nodes are connected, as many as modules.cloudHub.nodeLimit allows`,
    advice: "Raise modules.cloudHub.nodeLimit, or run another CloudCore.",
    details: { limit },
  });
}

/** The component was asked to work before it was started, or after it was stopped. */
export function cloudHubNotStarted(): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NOT_STARTED",
    message: "CloudHub is not running",
    advice: "This is a bug in Skerry; please report it with the log around it.",
  });
}
