import type { KubernetesObject, Pod, PodTemplateSpec } from "@skerry/api";
import { type Random, randomNameSuffix } from "@skerry/base";
import { controllerReference } from "../owner-references.ts";

/** Longest beginning of a generated pod name. */
const BASE_LIMIT = 57;

/** A pod of an owner's template; labels and annotations of its own come on top. */
export function podFromTemplate(
  owner: KubernetesObject,
  template: PodTemplateSpec,
  name: string,
  own: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> } = {},
): Pod {
  const { metadata = {}, spec } = template;
  const labels = { ...metadata.labels, ...own.labels };
  const annotations = { ...metadata.annotations, ...own.annotations };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(metadata.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: structuredClone(spec),
  };
}

/** A pod name that begins with `base` and was not chosen before; it is added to `taken`. */
export function freshPodName(base: string, random: Random, taken: Set<string>): string {
  let name: string;
  do name = `${base.slice(0, BASE_LIMIT)}-${randomNameSuffix(random)}`;
  while (taken.has(name));
  taken.add(name);
  return name;
}
