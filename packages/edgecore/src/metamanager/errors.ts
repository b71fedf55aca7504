import { SkerryError } from "@skerry/base";

/** A message from the cloud cannot be stored as an object. */
export function objectUnusable(resource: string, why: string): SkerryError {
  return new SkerryError({
    code: "META_OBJECT_UNUSABLE",
    message: `The cloud sent ${resource || "an object"} in a form that cannot be stored: ${why}`,
    advice: "Check that CloudCore and EdgeCore are of compatible versions.",
    details: { resource, why },
  });
}

/** The cloud's CSI driver asks for a volume. */
export function volumesUnsupported(operation: string): SkerryError {
  return new SkerryError({
    code: "META_VOLUMES_UNSUPPORTED",
    message: `This node has no CSI volumes, so it cannot do ${operation}`,
    advice: "Use emptyDir, hostPath, ConfigMap, Secret or projected volumes on Skerry's nodes.",
    details: { operation },
  });
}

/** The outbox is full of entries that must not be dropped. */
export function outboxFull(limit: number): SkerryError {
  return new SkerryError({
    code: "META_OUTBOX_FULL",
    message: `${limit} changes already wait for the cloud; this one cannot be taken`,
    advice: "Bring the link to the cloud back; the waiting changes then leave by themselves.",
    details: { limit },
  });
}

/** One entry is larger than the outbox takes. */
export function outboxEntryTooLarge(key: string, sizeBytes: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "META_OUTBOX_ENTRY_TOO_LARGE",
    message: `The change ${key} has ${sizeBytes} bytes, the cloud takes at most ${limitBytes}`,
    advice: "Report smaller values.",
    details: { key, sizeBytes, limitBytes },
  });
}
