import { hexOf, textHash } from "@skerry/base";

/** One object that a node holds, or should hold. */
export interface SetEntry {
  /** Type in the message's path: `pod`, `configmap`, … */
  readonly type: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What a set of objects comes to, whatever their order. */
export interface SetDigest {
  readonly count: number;
  /** 64 bits, hex. It finds mistakes; it does not withstand somebody who looks for a collision. */
  readonly sum: string;
  /** The highest resourceVersion in the set; `0` in an empty one. */
  readonly highest: string;
}

/** The digest of a set. */
export function digestOf(entries: Iterable<SetEntry>): SetDigest {
  let count = 0;
  let [low, high] = [0, 0];
  let highest = 0n;
  for (const entry of entries) {
    const { type, namespace, name, uid, resourceVersion } = entry;
    const text = [type, namespace, name, uid, resourceVersion].join("\n");
    // Sums do not depend on the order, and unlike exclusive-or two equal entries do not cancel each other.
    low = (low + textHash(text, 0x811c9dc5)) >>> 0;
    high = (high + textHash(text, 0x2545f491)) >>> 0;
    count++;
    const version = numberOf(resourceVersion);
    if (version > highest) highest = version;
  }
  return { count, sum: hexOf(high) + hexOf(low), highest: highest.toString() };
}

/** Whether two digests are of the same set. */
export function isSameDigest(left: SetDigest, right: SetDigest): boolean {
  return left.count === right.count && left.sum === right.sum;
}

function numberOf(resourceVersion: string): bigint {
  return /^[0-9]{1,40}$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n;
}
