import { MIRROR_ANNOTATION, type Pod } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { invalidManifest } from "../errors.ts";
import { listAt, objectAt, stringAt } from "../json-access.ts";
import { fingerprint } from "../pod/runtime-names.ts";

/** The kubelet's annotations of static pods. */
const HASH_ANNOTATION = "kubernetes.io/config.hash";
const SOURCE_ANNOTATION = "kubernetes.io/config.source";
const FROM_FILE = "file";
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * The pod of a manifest file as this node runs it: with the node's name in its own, bound to the node, and with a UID of
 * its content, so that a changed file is another pod.
 * @throws `EDGED_INVALID_MANIFEST`
 */
export function staticPod(manifest: unknown, text: string, file: string, nodeName: string): Pod {
  if (!isJsonObject(manifest) || manifest["kind"] !== "Pod" || manifest["apiVersion"] !== "v1")
    throw invalidManifest(file, "it does not hold one Pod of apiVersion v1");
  const metadata = objectAt(manifest, "metadata");
  const spec = objectAt(manifest, "spec");
  const name = `${stringAt(metadata, "name") ?? ""}-${nodeName}`;
  const namespace = stringAt(metadata, "namespace") ?? "default";
  if (!NAME.test(name) || !NAME.test(namespace))
    throw invalidManifest(file, `${namespace}/${name} is not a pod's name`);
  if (listAt(spec, "containers").length === 0) throw invalidManifest(file, "it has no spec.containers");
  for (const list of ["containers", "initContainers"])
    for (const container of listAt(spec, list))
      if (!isJsonObject(container) || !stringAt(container, "name") || !stringAt(container, "image"))
        throw invalidManifest(file, `each of spec.${list} must have a name and an image`);
  const uid = fingerprint(`${nodeName}\n${file}\n${text}`);
  const annotations = { ...objectAt(metadata, "annotations"), [HASH_ANNOTATION]: uid, [SOURCE_ANNOTATION]: FROM_FILE };
  const tolerations = [...listAt(spec, "tolerations"), { effect: "NoExecute", operator: "Exists" }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...(metadata as Partial<JsonObject>), name, namespace, uid, annotations },
    spec: { ...spec, nodeName, tolerations },
  } as unknown as Pod;
}

/** The pod by which the cloud sees a static pod. */
export function mirrorOf(pod: Pod): Pod {
  const { name, namespace, labels, annotations, uid = "" } = pod.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [MIRROR_ANNOTATION]: uid },
    },
    spec: pod.spec,
  };
}

/** The UID of the static pod that a mirror pod stands for; undefined for any other pod. */
export function mirroredUid({ metadata }: Pick<Pod, "metadata">): string | undefined {
  return metadata.annotations?.[SOURCE_ANNOTATION] === FROM_FILE ? metadata.annotations[MIRROR_ANNOTATION] : undefined;
}
