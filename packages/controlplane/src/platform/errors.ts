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

/** The audit log cannot be written. */
export function auditLogUnusable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_AUDIT_LOG_UNUSABLE",
    message: `The audit log ${path} cannot be written: ${describeError(cause)}`,
    advice: "Check that its folder can be written to, and that it is no folder itself.",
    details: { path },
    cause,
  });
}

/** What should be copied is no control plane's data. */
export function noBackup(folder: string, missing: string): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_NO_DATA",
    message: `${folder} has no control plane's data: ${missing} is missing`,
    advice: "Name the folder that `skerry controlplane --data` or `skerry controlplane backup` was given.",
    details: { folder, missing },
  });
}

/** A backup is never written over something else. */
export function backupTargetTaken(target: string): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_BACKUP_TARGET_TAKEN",
    message: `${target} is already there; a backup goes into a folder of its own`,
    advice: "Name a folder that does not exist yet.",
    details: { target },
  });
}

/** A backup is never restored over something else. */
export function dataFolderTaken(folder: string): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_DATA_FOLDER_TAKEN",
    message: `${folder} is not empty; a backup is restored into an empty folder`,
    advice: "Stop the control plane and move its data folder away, then restore again.",
    details: { folder },
  });
}
