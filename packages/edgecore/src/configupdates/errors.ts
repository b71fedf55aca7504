import { SkerryError } from "@skerry/base";

/** What jobs change of the configuration cannot be written down. */
export function configStateUnwritable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_STATE_UNWRITABLE",
    message: `What jobs change of the configuration cannot be kept in ${path}`,
    advice: "Make the folder of edgecore.yaml writable for EdgeCore, or change the file by hand.",
    details: { path },
    cause,
  });
}

/** The file beside the configuration holds something else. */
export function configStateUnreadable(path: string, reason: string): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_STATE_UNREADABLE",
    message: `What jobs have changed of the configuration cannot be read from ${path}: ${reason}`,
    advice: "Move the file away to start with the configuration file alone.",
    details: { path },
  });
}

/** This EdgeCore has no configuration file. */
export function configFixed(): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_FIXED",
    message: "This node's EdgeCore was not started from a configuration file",
    advice: "Leave the node out of the job.",
  });
}

/** The fields of a job cannot be used. */
export function updateInvalid(findings: readonly string[]): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_UPDATE_INVALID",
    message: `Nothing was changed: ${findings.join("; ")}`,
    advice: "Create the job anew with these corrected; `edgecore --defaultconfig` prints all fields.",
    details: { findings: [...findings] },
  });
}

/** Another job's update has not proved itself yet. */
export function updateBusy(): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_UPDATE_BUSY",
    message: "Nothing was changed: another job's update of this node is under way",
    advice: "Create the job anew when that one is over.",
  });
}

/** The node did not connect with the new configuration. */
export function updateTakenBack(seconds: number): SkerryError {
  return new SkerryError({
    code: "EDGECORE_CONFIG_UPDATE_TAKEN_BACK",
    message: `The node did not connect within ${seconds} s with the new configuration, which was taken back`,
    advice: "Check the addresses and certificates among the fields.",
    details: { seconds },
  });
}
