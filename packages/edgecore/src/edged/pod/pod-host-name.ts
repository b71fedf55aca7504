import type { Pod } from "@skerry/api";
import { invalidPod } from "../errors.ts";

const SHORT_LIMIT = 63;
/** What the kernel takes as a host name. */
const KERNEL_LIMIT = 64;

/** The names by which a pod knows itself. */
export interface PodHostName {
  readonly short: string;
  /** With the subdomain, as a headless Service of that name gives it to the pod. */
  readonly full: string | undefined;
}

/** A pod's own names. */
export function podHostName({ metadata, spec }: Pod, clusterDomain: string): PodHostName {
  if (spec.hostnameOverride) return { short: spec.hostnameOverride, full: undefined };
  const short = (spec.hostname || metadata.name).slice(0, SHORT_LIMIT).replace(/[-.]+$/, "");
  const full = spec.subdomain
    ? `${short}.${spec.subdomain}.${metadata.namespace ?? "default"}.svc.${clusterDomain}`
    : undefined;
  return { short, full };
}

/** The name that `hostname` prints in the pod. @throws `EDGED_INVALID_POD` when it is too long for the kernel */
export function kernelHostName(pod: Pod, clusterDomain: string): string {
  const { short, full } = podHostName(pod, clusterDomain);
  const name = pod.spec.setHostnameAsFQDN === true && full !== undefined ? full : short;
  if (name.length > KERNEL_LIMIT)
    throw invalidPod("the pod's host name", `${name} has ${name.length} characters, the most is ${KERNEL_LIMIT}`);
  return name;
}
