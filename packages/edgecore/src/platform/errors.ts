import { SkerryError } from "@skerry/base";

/** A file that the configuration names cannot be read. */
export function fileUnreadable(field: string, path: string, cause: unknown): SkerryError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SkerryError({
    code: "EDGECORE_FILE_UNREADABLE",
    message: `The file ${path} of ${field} cannot be read: ${reason}`,
    advice: "Correct the path in edgecore.yaml, or the file's permissions.",
    details: { field, path },
    cause,
  });
}
