import { compareResourceVersions, isResourceVersion } from "@skerry/kube";

/** Which incarnation and version of an object. A missing or unreadable version is empty. */
export interface ObjectVersion {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What to do with an object that the cloud sent. Whatever it is, the message is acknowledged. */
export type Verdict =
  /** The stored one is as new, or the object has been deleted for good. */
  | "ignore"
  /** First of its name, or newer than the stored one. */
  | "store"
  /** Another object of the same name was stored: it is deleted first. */
  | "replace";

/**
 * Judges an arriving object, so that no version ever goes back (I2) and nothing deleted comes back (I4).
 * A pod never returns under its UID; another kind may (a device that is bound to this node again), but not as an older
 * version than the deleted one.
 */
export function judgeArrival(
  type: string,
  arriving: ObjectVersion,
  stored: ObjectVersion | undefined,
  tombstone: ObjectVersion | undefined,
): Verdict {
  if (tombstone && (type === "pod" || isOlder(arriving.resourceVersion, tombstone.resourceVersion))) return "ignore";
  if (!stored) return "store";
  if (stored.uid === arriving.uid) {
    return isNewerOrUnknown(arriving.resourceVersion, stored.resourceVersion) ? "store" : "ignore";
  }
  return isOlder(arriving.resourceVersion, stored.resourceVersion) ? "ignore" : "replace";
}

/** Whether `left` is provably older than `right`. */
function isOlder(left: string, right: string): boolean {
  return isResourceVersion(left) && isResourceVersion(right) && compareResourceVersions(left, right) < 0;
}

/** Whether `left` is newer than `right`, or nobody can tell. */
function isNewerOrUnknown(left: string, right: string): boolean {
  return !(isResourceVersion(left) && isResourceVersion(right)) || compareResourceVersions(left, right) > 0;
}
