import type { ConfigMap, Container, EnvironmentVariable, KubernetesObject, Secret } from "@skerry/api";
import { fromBase64 } from "@skerry/base";
import { notSupported, referenceMissing } from "../errors.ts";
import { expandReferences } from "./expansion.ts";
import { fieldValue, type PodFacts, resourceContainer, resourceValue } from "./field-references.ts";

/**
 * Looks up a ConfigMap or Secret of the pod's namespace. Undefined when it does not exist, or when it is optional and
 * the cloud cannot be asked.
 */
export type ObjectLookup = <T extends KubernetesObject>(
  type: "configmap" | "secret",
  name: string,
  optional: boolean,
) => Promise<T | undefined>;

/**
 * A container's variables in the order they are declared; a later one of the same name wins.
 * @param ofServices come before all others
 * @throws `EDGED_REFERENCE_MISSING` when something that is not optional does not exist
 */
export async function environmentOf(
  container: Container,
  facts: PodFacts,
  lookup: ObjectLookup,
  ofServices: ReadonlyMap<string, string> = new Map(),
): Promise<Map<string, string>> {
  const variables = new Map(ofServices);
  for (const source of container.envFrom ?? []) {
    const prefix = source.prefix ?? "";
    const data = source.configMapRef
      ? await configMapData(source.configMapRef.name, source.configMapRef.optional === true, lookup)
      : source.secretRef
        ? await secretData(source.secretRef.name, source.secretRef.optional === true, lookup)
        : new Map<string, string>();
    for (const [key, value] of data) if (!(prefix + key).includes("=")) variables.set(prefix + key, value);
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, container, facts, lookup, variables);
    if (value !== undefined) variables.set(variable.name, value);
  }
  return variables;
}

async function variableValue(
  variable: EnvironmentVariable,
  container: Container,
  facts: PodFacts,
  lookup: ObjectLookup,
  before: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expandReferences(variable.value ?? "", before);
  if (from.fieldRef) return fieldValue(facts, from.fieldRef.fieldPath);
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const named = containerName ? resourceContainer(facts.pod, containerName) : container;
    return resourceValue(facts, named, resource, divisor);
  }
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  const [kind] = Object.keys(from);
  if (!reference && kind !== undefined)
    throw notSupported(`variable ${variable.name} from ${kind}`, "only fields, resources, ConfigMaps and Secrets are");
  if (!reference) return "";
  const optional = reference.optional === true;
  const data = from.configMapKeyRef
    ? await configMapData(reference.name, optional, lookup)
    : await secretData(reference.name, optional, lookup);
  const value = data.get(reference.key);
  if (value === undefined && !optional) {
    const kind = from.configMapKeyRef ? "ConfigMap" : "Secret";
    throw referenceMissing(
      `couldn't find key ${reference.key} in ${kind} ${facts.pod.metadata.namespace ?? "default"}/${reference.name}`,
    );
  }
  return value;
}

async function configMapData(name: string, optional: boolean, lookup: ObjectLookup): Promise<Map<string, string>> {
  const configMap = await lookup<ConfigMap>("configmap", name, optional);
  if (!configMap && !optional) throw referenceMissing(`configmap "${name}" not found`);
  return new Map(Object.entries(configMap?.data ?? {}));
}

async function secretData(name: string, optional: boolean, lookup: ObjectLookup): Promise<Map<string, string>> {
  const secret = await lookup<Secret>("secret", name, optional);
  if (!secret && !optional) throw referenceMissing(`secret "${name}" not found`);
  const decoder = new TextDecoder();
  return new Map(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decoder.decode(fromBase64(value))]));
}
