import type { PodStatus } from "@skerry/api";

/** Ids (without their scheme) of the containers that were ready when last reported. */
export function readyContainerIds(last: PodStatus | undefined): Set<string> {
  const statuses = [...(last?.containerStatuses ?? []), ...(last?.initContainerStatuses ?? [])];
  return new Set(
    statuses.filter(({ ready }) => ready).map(({ containerID = "" }) => containerID.split("://")[1] ?? ""),
  );
}

/** Whether a specification says the name anywhere: a quick and complete test of whether it refers to an object. */
export function mentions(value: unknown, name: string): boolean {
  if (value === name) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((member) => mentions(member, name));
}
