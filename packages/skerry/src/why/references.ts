import type { Pod } from "@skerry/api";
import type { MissingObject } from "./facts.ts";

/** What the pod cannot start without in its namespace; what is optional is left out. */
export function neededObjects({ spec }: Pod): MissingObject[] {
  const needed = new Map<string, MissingObject>();
  const add = (kind: MissingObject["kind"], name: string | undefined, isOptional: boolean | undefined): void => {
    if (name && !isOptional) needed.set(`${kind}/${name}`, { kind, name });
  };
  for (const { configMap, secret, persistentVolumeClaim, projected } of spec.volumes ?? []) {
    add("ConfigMap", configMap?.name, configMap?.optional);
    add("Secret", secret?.secretName, secret?.optional);
    add("PersistentVolumeClaim", persistentVolumeClaim?.claimName, false);
    for (const source of projected?.sources ?? []) {
      add("ConfigMap", source.configMap?.name, source.configMap?.optional);
      add("Secret", source.secret?.name, source.secret?.optional);
    }
  }
  for (const { env = [], envFrom = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { valueFrom } of env) {
      add("ConfigMap", valueFrom?.configMapKeyRef?.name, valueFrom?.configMapKeyRef?.optional);
      add("Secret", valueFrom?.secretKeyRef?.name, valueFrom?.secretKeyRef?.optional);
    }
    for (const { configMapRef, secretRef } of envFrom) {
      add("ConfigMap", configMapRef?.name, configMapRef?.optional);
      add("Secret", secretRef?.name, secretRef?.optional);
    }
  }
  for (const { name } of spec.imagePullSecrets ?? []) add("image pull Secret", name, false);
  return [...needed.values()];
}
