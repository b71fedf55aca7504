import type { KubernetesObject } from "@skerry/api";
import type { ObjectKey } from "./meta-store.ts";

/** Kinds that travel without `apiVersion` and `kind` in some answers (wire.md 12.2), by wire type. */
const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  pod: ["v1", "Pod"],
  configmap: ["v1", "ConfigMap"],
  secret: ["v1", "Secret"],
  node: ["v1", "Node"],
  event: ["v1", "Event"],
  persistentvolume: ["v1", "PersistentVolume"],
  persistentvolumeclaim: ["v1", "PersistentVolumeClaim"],
  volumeattachment: ["storage.k8s.io/v1", "VolumeAttachment"],
  lease: ["coordination.k8s.io/v1", "Lease"],
  serviceaccounttoken: ["authentication.k8s.io/v1", "TokenRequest"],
  certificatesigningrequest: ["certificates.k8s.io/v1", "CertificateSigningRequest"],
  device: ["devices.kubeedge.io/v1beta1", "Device"],
  devicemodel: ["devices.kubeedge.io/v1beta1", "DeviceModel"],
};

/** What a patch is about: the answer to it carries the patched object. */
const PATCHED_TYPES: Readonly<Record<string, string>> = { podpatch: "pod", nodepatch: "node" };

/** The key as the wire and the table write it: `<namespace>/<type>/<name>` (wire.md 2.4). */
export function formatKey(key: ObjectKey): string {
  return `${key.namespace}/${key.type}/${key.name}`;
}

/** Reads a wire resource that names one object; undefined when it has another form. */
export function parseKey(resource: string): ObjectKey | undefined {
  const [namespace, type, name, ...rest] = resource.split("/");
  if (!namespace || !type || !name || rest.length > 0) return undefined;
  return { namespace, type, name };
}

/** The key of the object that an answer on this resource carries: that of the pod for its `podpatch`. */
export function answeredKey(resource: string): ObjectKey | undefined {
  const key = parseKey(resource);
  const patched = key && PATCHED_TYPES[key.type];
  return key && patched ? { ...key, type: patched } : key;
}

/** The object with `apiVersion` and `kind` filled in where its wire type tells them. */
export function withKind<T extends KubernetesObject>(type: string, object: T): T {
  if (object.apiVersion && object.kind) return object;
  const known = KINDS[PATCHED_TYPES[type] ?? type];
  return known ? { ...object, apiVersion: known[0], kind: known[1] } : object;
}
