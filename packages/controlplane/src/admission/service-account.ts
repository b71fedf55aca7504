import { MIRROR_ANNOTATION } from "@skerry/api";
import { type JsonObject, randomNameSuffix } from "@skerry/base";
import { type ApiObject, asJsonObject, ensureObject, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden } from "../registry/status-errors.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** An hour and the odd seconds by which Kubernetes recognises its own volumes. */
const TOKEN_SECONDS = 3607;
const FILE_MODE_0644 = 0o644;

/** Gives a pod its service account, and the volume with the account's token. @throws ApiError Forbidden */
export function admitServiceAccount(definition: ResourceDefinition, pod: ApiObject, scope: WriteScope): void {
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) {
    admitMirrorPod(definition, pod);
    return;
  }
  const spec = ensureObject(asJsonObject(pod), "spec");
  const name = textAt(spec, "serviceAccountName") || "default";
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
  const namespace = pod.metadata.namespace ?? "";
  const account = scope.session.get({ resource: "/serviceaccounts", namespace, name });
  if (!account)
    throw forbidden(
      definition.reference,
      pod.metadata.name,
      `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    );
  const secrets = account["imagePullSecrets"];
  if (spec["imagePullSecrets"] === undefined && Array.isArray(secrets) && secrets.length > 0)
    spec["imagePullSecrets"] = structuredClone(secrets);
  const mounts = spec["automountServiceAccountToken"] ?? account["automountServiceAccountToken"];
  if (mounts !== false) mountToken(spec, scope);
}

/** A mirror pod is made by its node, whom it would give what it refers to. @throws ApiError Forbidden */
function admitMirrorPod(definition: ResourceDefinition, pod: ApiObject): void {
  const spec = objectAt(asJsonObject(pod), "spec");
  const refuse = (what: string): never => {
    throw forbidden(definition.reference, pod.metadata.name, `a mirror pod may not ${what}`);
  };
  if (textAt(spec, "serviceAccountName") || textAt(spec, "serviceAccount")) refuse("reference service accounts");
  if (objectsIn(spec["imagePullSecrets"]).length > 0) refuse("reference secrets");
  for (const volume of objectsIn(spec["volumes"])) {
    if (volume["secret"] !== undefined) refuse("reference secrets");
    for (const source of objectsIn(objectAt(volume, "projected")["sources"])) {
      if (source["secret"] !== undefined) refuse("reference secrets");
      if (source["serviceAccountToken"] !== undefined) refuse("use ServiceAccountToken volume projections");
    }
  }
  for (const container of [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])]) {
    const isSecret =
      objectsIn(container["envFrom"]).some((source) => source["secretRef"] !== undefined) ||
      objectsIn(container["env"]).some((entry) => objectAt(entry, "valueFrom")["secretKeyRef"] !== undefined);
    if (isSecret) refuse("reference secrets");
  }
}

function mountToken(spec: JsonObject, scope: WriteScope): void {
  const containers = [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])];
  const missing = containers.filter(
    (container) => !objectsIn(container["volumeMounts"]).some((mount) => mount["mountPath"] === MOUNT_PATH),
  );
  if (missing.length === 0) return;
  const name = `kube-api-access-${randomNameSuffix(scope.random)}`;
  for (const container of missing)
    container["volumeMounts"] = [
      ...objectsIn(container["volumeMounts"]),
      { name, readOnly: true, mountPath: MOUNT_PATH },
    ];
  spec["volumes"] = [
    ...objectsIn(spec["volumes"]),
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          {
            downwardAPI: {
              items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
            },
          },
        ],
        defaultMode: FILE_MODE_0644,
      },
    },
  ];
}
