import { describeError, SkerryError } from "@skerry/base";

/** Somebody else listens on the port. */
export function portInUse(address: string, port: number, cause: unknown): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_PORT_IN_USE",
    message: `Port ${port} on ${address} is already in use by another program`,
    advice: "Stop that program, or give the control plane another port.",
    details: { address, port },
    cause,
  });
}

/** The address or port cannot be listened on. */
export function listenFailed(address: string, port: number, cause: unknown): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_LISTEN_FAILED",
    message: `The API server cannot listen on ${address}:${port}: ${describeError(cause)}`,
    advice: "Check the address and the rights to use this port.",
    details: { address, port },
    cause,
  });
}

/** Keys and certificates cannot be read or written. */
export function dataFolderUnusable(folder: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_DATA_FOLDER_UNUSABLE",
    message: `The control plane's data folder ${folder} cannot be used: ${describeError(cause)}`,
    advice: "Check that it is a folder, who owns it, and that its file system has space.",
    details: { folder },
    cause,
  });
}

/** The control plane's own authority is there but cannot be read; a new one would lock everybody out. */
export function authorityDamaged(folder: string): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_AUTHORITY_DAMAGED",
    message: `The control plane's certificate authority in ${folder} (ca.crt, ca.key) is damaged or incomplete`,
    advice:
      "Put both files back from a backup; or remove the folder, then everything that uses an old kubeconfig needs the new one.",
    details: { folder },
  });
}
