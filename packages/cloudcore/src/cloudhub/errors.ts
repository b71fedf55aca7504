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

/** What CloudCore stores its keys in cannot be used. */
export function credentialsUnusable(name: string, reason: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_CREDENTIALS_UNUSABLE",
    message: `CloudCore's credentials ${name} cannot be used: ${reason}`,
    advice: "Restore it from a backup; if it is deleted, a new one is made and every edge node must be enrolled anew.",
    details: { name, reason },
  });
}

/** An enrolment names two nodes. */
export function nodeNameContradiction(claimed: string, proven: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NODE_NAME_CONTRADICTION",
    message: `The request calls itself "${claimed.slice(0, 80)}", but its certificate or its request says "${proven}"`,
    advice: "Use one node name in edgecore.yaml, or remove the old certificate and enrol with a join token.",
    details: { claimed: claimed.slice(0, 253), proven },
  });
}

/** Somebody wants to enrol under the name of a node that is connected. */
export function nameInUse(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NAME_IN_USE",
    message: `The node "${nodeName}" is connected just now; its name is not given to another key`,
    advice: "Choose another node name; or stop the EdgeCore that has it, wait half a minute and try again.",
    details: { nodeName },
  });
}

/** Somebody wants to enrol under the name of a node of the cluster that is no edge node. */
export function notAnEdgeNode(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NOT_AN_EDGE_NODE",
    message: `The cluster has a node "${nodeName}" that is no edge node`,
    advice: "Choose another node name; or, if that Node is a leftover, delete it and try again.",
    details: { nodeName },
  });
}

/** Somebody with a batch's token wants to enrol under a name that a node has already. */
export function nameTaken(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NAME_TAKEN",
    message: `There is a node "${nodeName}" already, with another key; a token for several nodes does not give its name away`,
    advice: `Choose another node name; if it is the same machine, get it a token of its own: \`skerry token --node ${nodeName}\`.`,
    details: { nodeName },
  });
}

/** What is stored of a join token cannot be read. */
export function tokenRecordUnusable(id: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_TOKEN_RECORD_UNUSABLE",
    message: `What is stored of the join token ${id} cannot be read`,
    advice: `Somebody has changed it: delete the Secret skerry-join-token-${id} in the namespace kubeedge and make a new token.`,
    details: { id },
    cause,
  });
}

/** There are as many join tokens as are allowed. */
export function tokenLimitReached(limit: number): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_TOKEN_LIMIT",
    message: `There are ${limit} join tokens that are not over since a week, as many as are kept`,
    advice: "Use one token for several nodes: `skerry token --count N`.",
    details: { limit },
  });
}

/** A join token is changed by many at once. */
export function tokenBusy(id: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_TOKEN_BUSY",
    message: `The join token ${id} is being used by many nodes at once`,
    advice: "Try again; EdgeCore does so by itself.",
    details: { id },
  });
}

/** A node that was put out comes back. */
export function nodeRevoked(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NODE_REVOKED",
    message: `The node "${nodeName}" was revoked`,
    advice: `To let it in again: \`skerry token --node ${nodeName}\` where CloudCore runs, and \`skerry join\` on the node.`,
    details: { nodeName },
  });
}

/** More nodes are put out than one list holds. */
export function revocationLimitReached(limit: number): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_REVOCATION_LIMIT",
    message: `${limit} nodes are revoked, as many as the list holds`,
    advice:
      "Remove entries of nodes whose certificates have expired for longer than the renewal window from the ConfigMap skerry-revoked-nodes in the namespace kubeedge.",
    details: { limit },
  });
}

/** The list of revoked nodes is changed by many at once. */
export function revocationBusy(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_REVOCATION_BUSY",
    message: `The node "${nodeName}" could not be revoked: the list keeps changing`,
    advice: "Try again.",
    details: { nodeName },
  });
}

/** A certificate has expired for too long to be renewed by itself. */
export function renewalWindowOver(notAfterMs: number, windowMs: number): SkerryError {
  const days = Math.round(windowMs / 86_400_000);
  return new SkerryError({
    code: "CLOUDHUB_RENEWAL_WINDOW_OVER",
    message: `The certificate expired at ${new Date(notAfterMs).toISOString()}; it can be renewed by itself for ${days} days after that`,
    advice:
      "Enrol the node anew: `skerry token --node NAME` where CloudCore runs, and `skerry join` on the node; or raise modules.cloudHub.edgeCertRenewalWindow.",
    details: { notAfterMs, windowMs },
  });
}

/** The authority changes already. */
export function authorityChangeUnderWay(): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_CA_CHANGE_UNDER_WAY",
    message: "A change of the certificate authority is under way already",
    advice: "`skerry ca status` shows which nodes have moved, `skerry ca finish` ends it.",
  });
}

/** There is no change of the authority to finish. */
export function noAuthorityChange(): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_NO_CA_CHANGE",
    message: "No change of the certificate authority is under way",
    advice: "`skerry ca rotate` begins one.",
  });
}

/** CloudCore has to start anew with other authorities. */
export function authorityChanged(): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_CA_CHANGED",
    message: "The certificate authority of the nodes changes; CloudCore ends itself, to start anew with it",
    advice: "Nothing to do where it is supervised; else start it again.",
  });
}
