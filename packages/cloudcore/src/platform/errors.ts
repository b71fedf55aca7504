import { SkerryError } from "@skerry/base";

/** One of CloudCore's ports could not be opened; `field` of the configuration sets it. */
export function httpsListenFailed(field: string, address: string, port: number, cause: unknown): SkerryError {
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new SkerryError({
    code: inUse ? "CLOUDHUB_PORT_IN_USE" : "CLOUDHUB_LISTEN_FAILED",
    message: `Cannot listen on ${address}:${port}${inUse ? ": the port is in use" : ""}`,
    advice: inUse
      ? `Stop what uses it (\`ss -ltnp sport = :${port}\` shows it), or set ${field}.`
      : `Check ${field} and the address beside it in the configuration.`,
    details: { address, port },
    cause,
  });
}

/** Of a certificate and its key only one file is there. */
export function halfPair(certificatePath: string, keyPath: string): SkerryError {
  return new SkerryError({
    code: "CLOUDHUB_HALF_PAIR",
    message: `Only one of ${certificatePath} and ${keyPath} can be read`,
    advice: "Restore the other file, or remove this one so that CloudCore uses what is in its Secrets.",
    details: { certificatePath, keyPath },
  });
}
