import type { Container, Pod } from "@skerry/api";
import { quantityToMilli } from "@skerry/kube";
import { effectiveResources } from "./pod-resources.ts";

/** Requests and limits as a container was given them. */
export type Resources = NonNullable<Container["resources"]>;

/** What a running container whose resources are to be others needs. */
export type Resize = "none" | "in-place" | "restart";

const RESIZABLE = ["cpu", "memory"] as const;

/** What has to be done so that a container with these resources has those of its pod. */
export function resizeOf(pod: Pod, container: Container, applied: Resources): Resize {
  const wanted = effectiveResources(pod, container);
  const changed = RESIZABLE.filter((name) => !isSame(wanted, applied, name));
  if (changed.length === 0) return "none";
  return changed.some((name) => restartsFor(container, name)) ? "restart" : "in-place";
}

function isSame(left: Resources, right: Resources, name: string): boolean {
  return (["limits", "requests"] as const).every((kind) => {
    const [one, other] = [left[kind]?.[name], right[kind]?.[name]];
    return one === undefined || other === undefined ? one === other : quantityToMilli(one) === quantityToMilli(other);
  });
}

function restartsFor({ resizePolicy = [] }: Container, resource: string): boolean {
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === "RestartContainer",
  );
}
