import type { ConfigMap, DownwardApiItem, KeyToPath, Secret } from "@skerry/api";
import { fromBase64 } from "@skerry/base";
import type { ObjectLookup } from "../container/environment.ts";
import { fieldValue, type PodFacts, resourceContainer, resourceValue } from "../container/field-references.ts";
import { referenceMissing } from "../errors.ts";
import type { ProjectedFile } from "./atomic-files.ts";

const DEFAULT_MODE = 0o644;

/** Which keys of an object become which files. */
export interface KeySelection {
  readonly items?: readonly KeyToPath[] | undefined;
  readonly defaultMode?: number | undefined;
  readonly optional?: boolean | undefined;
}

/** Files of a ConfigMap. @throws `EDGED_REFERENCE_MISSING` */
export async function configMapFiles(
  name: string,
  selection: KeySelection,
  lookup: ObjectLookup,
): Promise<Map<string, ProjectedFile>> {
  const configMap = await lookup<ConfigMap>("configmap", name, selection.optional === true);
  if (!configMap && selection.optional !== true) throw referenceMissing(`configmap "${name}" not found`);
  const encoder = new TextEncoder();
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(configMap?.data ?? {})) data.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(configMap?.binaryData ?? {})) data.set(key, fromBase64(value));
  return selectKeys(`configmap "${name}"`, data, selection);
}

/** Files of a Secret. @throws `EDGED_REFERENCE_MISSING` */
export async function secretFiles(
  name: string,
  selection: KeySelection,
  lookup: ObjectLookup,
): Promise<Map<string, ProjectedFile>> {
  const secret = await lookup<Secret>("secret", name, selection.optional === true);
  if (!secret && selection.optional !== true) throw referenceMissing(`secret "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(secret?.data ?? {})) data.set(key, fromBase64(value));
  return selectKeys(`secret "${name}"`, data, selection);
}

/** Files of the downward API. @throws `EDGED_INVALID_POD` */
export function downwardFiles(
  items: readonly DownwardApiItem[],
  defaultMode: number | undefined,
  facts: PodFacts,
): Map<string, ProjectedFile> {
  const encoder = new TextEncoder();
  const files = new Map<string, ProjectedFile>();
  for (const item of items) {
    const value = item.fieldRef
      ? fieldValue(facts, item.fieldRef.fieldPath)
      : item.resourceFieldRef
        ? containerResource(facts, item.resourceFieldRef)
        : "";
    files.set(item.path, { data: encoder.encode(value), mode: item.mode ?? defaultMode ?? DEFAULT_MODE });
  }
  return files;
}

function containerResource(facts: PodFacts, reference: NonNullable<DownwardApiItem["resourceFieldRef"]>): string {
  const container = resourceContainer(facts.pod, reference.containerName ?? "");
  return resourceValue(facts, container, reference.resource, reference.divisor);
}

function selectKeys(
  what: string,
  data: ReadonlyMap<string, Uint8Array>,
  selection: KeySelection,
): Map<string, ProjectedFile> {
  const files = new Map<string, ProjectedFile>();
  const defaultMode = selection.defaultMode ?? DEFAULT_MODE;
  if (!selection.items) {
    for (const [key, value] of data) files.set(key, { data: value, mode: defaultMode });
    return files;
  }
  for (const { key, path, mode } of selection.items) {
    const value = data.get(key);
    if (value !== undefined) files.set(path, { data: value, mode: mode ?? defaultMode });
    else if (selection.optional !== true) throw referenceMissing(`${what} references non-existent key: ${key}`);
  }
  return files;
}
