import { SkerryError } from "@skerry/base";

/** The port for this node's applications cannot be opened. */
export function metaServerListenFailed(address: string, port: number, reason: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "METASERVER_LISTEN_FAILED",
    message: `The MetaServer cannot listen on ${address}:${port}: ${reason}`,
    advice: "Free the port, or set modules.metaManager.metaServer.server in edgecore.yaml, then start EdgeCore again.",
    details: { address, port },
    cause,
  });
}

/** The file with the callers' token cannot be used. */
export function metaServerTokenUnusable(path: string, reason: string): SkerryError {
  return new SkerryError({
    code: "METASERVER_TOKEN_FILE_UNUSABLE",
    message: `The token in ${path} cannot be used: ${reason}`,
    advice: "Let modules.metaManager.metaServer.tokenFile name a readable file with one long random word.",
    details: { path },
  });
}
