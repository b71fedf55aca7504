import type { ConfigSection } from "./config-section.ts";
import { readSizeText } from "./size-text.ts";

/** What may run short on a node; the kubelet's names. */
export type EvictionSignal =
  | "memory.available"
  | "nodefs.available"
  | "nodefs.inodesFree"
  | "imagefs.available"
  | "imagefs.inodesFree"
  | "pid.available";

/** So much, or such a share (0–1) of all there is. */
export type EvictionAmount =
  | { readonly kind: "quantity"; readonly value: number }
  | { readonly kind: "share"; readonly value: number };

/** When less than `amount` is left for `graceMs`, something is reclaimed until `minimumReclaim` more is left. */
export interface EvictionThreshold {
  readonly signal: EvictionSignal;
  readonly amount: EvictionAmount;
  /** Undefined: at once, and pods are ended at once (the kubelet's hard thresholds). */
  readonly graceMs: number | undefined;
  readonly minimumReclaim: EvictionAmount | undefined;
}

export interface EvictionSection {
  readonly thresholds: readonly EvictionThreshold[];
  /** How long a node still counts as short of something after it no longer is. */
  readonly pressureTransitionMs: number;
  /** Longest grace period of a pod that is evicted by a threshold with a grace of its own. */
  readonly maxPodGraceSeconds: number;
}

/** When images that nothing uses are removed. */
export interface ImageGarbageSection {
  /** Share (0–1) of the images' file system in use from which on images are removed. */
  readonly highShare: number;
  /** … until so much is in use. */
  readonly lowShare: number;
  readonly minimumAgeMs: number;
  /** Unused for longer: removed whatever the space; undefined: never. */
  readonly maximumAgeMs: number | undefined;
}

const SIGNALS: readonly EvictionSignal[] = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
];
const SHARE_TEXT = /^(\d+(?:\.\d+)?)%$/;

const hard = (signal: EvictionSignal, kind: EvictionAmount["kind"], value: number): EvictionThreshold => ({
  signal,
  amount: { kind, value },
  graceMs: undefined,
  minimumReclaim: undefined,
});

const KUBELET_THRESHOLDS: readonly EvictionThreshold[] = [
  hard("memory.available", "quantity", 100 * 2 ** 20),
  hard("nodefs.available", "share", 0.1),
  hard("nodefs.inodesFree", "share", 0.05),
  hard("imagefs.available", "share", 0.15),
  hard("imagefs.inodesFree", "share", 0.05),
];
/** Not the kubelet's: without it a pod that forks without end takes the node with it. */
const PROCESS_THRESHOLD = hard("pid.available", "quantity", 100);

export const defaultEviction: EvictionSection = {
  thresholds: [...KUBELET_THRESHOLDS, PROCESS_THRESHOLD],
  pressureTransitionMs: 5 * 60_000,
  maxPodGraceSeconds: 0,
};

/** The kubelet's. */
export const defaultImageGarbage: ImageGarbageSection = {
  highShare: 0.85,
  lowShare: 0.8,
  minimumAgeMs: 2 * 60_000,
  maximumAgeMs: undefined,
};

/** The kubelet's `eviction…` fields; hard thresholds that are given replace all of the kubelet's, as there. */
export function readEviction(kubelet: ConfigSection): EvictionSection {
  const isGiven = kubelet.has("evictionHard");
  const hardTexts = kubelet.textMap("evictionHard");
  const softTexts = kubelet.textMap("evictionSoft");
  const graceTexts = kubelet.durationsMs("evictionSoftGracePeriod");
  const reclaimTexts = kubelet.textMap("evictionMinimumReclaim");
  const reclaims = new Map(amountsOf(kubelet, "evictionMinimumReclaim", reclaimTexts));
  const withReclaim = (threshold: EvictionThreshold): EvictionThreshold => ({
    ...threshold,
    minimumReclaim: reclaims.get(threshold.signal),
  });
  const given = amountsOf(kubelet, "evictionHard", hardTexts).map(([signal, { kind, value }]) =>
    hard(signal, kind, value),
  );
  const hardThresholds = isGiven ? given : [...KUBELET_THRESHOLDS];
  if (!given.some(({ signal }) => signal === PROCESS_THRESHOLD.signal)) hardThresholds.push(PROCESS_THRESHOLD);
  const soft = amountsOf(kubelet, "evictionSoft", softTexts).map(([signal, amount]): EvictionThreshold => {
    const graceMs = graceTexts[signal];
    if (graceMs === undefined) kubelet.error("evictionSoftGracePeriod", `must give a duration for ${signal}`);
    return { signal, amount, graceMs: graceMs ?? 0, minimumReclaim: undefined };
  });
  return {
    thresholds: [...hardThresholds, ...soft].map(withReclaim),
    pressureTransitionMs: kubelet.durationMs("evictionPressureTransitionPeriod", defaultEviction.pressureTransitionMs),
    maxPodGraceSeconds: kubelet.integer("evictionMaxPodGracePeriod", defaultEviction.maxPodGraceSeconds, {
      minimum: 0,
      maximum: 86_400,
    }),
  };
}

/** The kubelet's `image…GC…` fields. */
export function readImageGarbage(kubelet: ConfigSection): ImageGarbageSection {
  const percent = (name: string, share: number): number =>
    kubelet.integer(name, Math.round(share * 100), { minimum: 0, maximum: 100 }) / 100;
  const highShare = percent("imageGCHighThresholdPercent", defaultImageGarbage.highShare);
  const lowShare = percent("imageGCLowThresholdPercent", Math.min(defaultImageGarbage.lowShare, highShare));
  if (lowShare > highShare)
    kubelet.error("imageGCLowThresholdPercent", "must not be above imageGCHighThresholdPercent");
  const maximumAgeMs = kubelet.durationMs("imageMaximumGCAge", 0);
  return {
    highShare,
    lowShare,
    minimumAgeMs: kubelet.durationMs("imageMinimumGCAge", defaultImageGarbage.minimumAgeMs),
    maximumAgeMs: maximumAgeMs === 0 ? undefined : maximumAgeMs,
  };
}

function amountsOf(
  kubelet: ConfigSection,
  field: string,
  texts: Readonly<Record<string, string>>,
): [EvictionSignal, EvictionAmount][] {
  return Object.entries(texts).flatMap(([name, text]): [EvictionSignal, EvictionAmount][] => {
    const signal = SIGNALS.find((known) => known === name);
    const share = SHARE_TEXT.exec(text)?.[1];
    const size = readSizeText(text);
    if (signal === undefined) kubelet.error(field, `has the unknown signal ${name}; there are ${SIGNALS.join(", ")}`);
    else if (share !== undefined && Number(share) <= 100)
      return [[signal, { kind: "share", value: Number(share) / 100 }]];
    else if (size !== undefined) return [[signal, { kind: "quantity", value: size }]];
    else kubelet.error(field, `must give a size such as 100Mi or a share such as 10% for ${name}`);
    return [];
  });
}
