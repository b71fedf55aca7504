import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  apiVersionOf,
  deployments,
  deviceModels,
  devices,
  type KubernetesObject,
  type ResourceReference,
} from "@skerry/api";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { parseAllDocuments } from "yaml";
import { usageError } from "../../errors.ts";

/** The kinds that the examples are made of. */
const EXAMPLE_KINDS: readonly ResourceReference[] = [deployments, deviceModels, devices];

/** What `kubectl apply` notes, so that a later apply of the same file changes nothing. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The objects of all YAML files in a folder, in the files' order. */
export function readManifests(folder: string): KubernetesObject[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), "utf8")))
    .map((document) => document.toJSON() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** Creates the objects that do not exist yet, as `kubectl apply` would. Returns `kind/name` of all. */
export async function createMissing(api: KubernetesApi, objects: readonly KubernetesObject[]): Promise<string[]> {
  const names: string[] = [];
  for (const object of objects) {
    const resource = EXAMPLE_KINDS.find(
      (kind) => kind.kind === object.kind && apiVersionOf(kind) === object.apiVersion,
    );
    if (!resource) throw usageError(`An example has the unexpected kind ${object.apiVersion} ${object.kind}`);
    const namespace = object.metadata.namespace ?? "default";
    try {
      await api.create({ resource, namespace }, withLastApplied(object, namespace));
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
    names.push(`${object.kind.toLowerCase()}/${object.metadata.name}`);
  }
  return names;
}

/** The object with the annotation as kubectl writes it: compact JSON, members sorted, and a line end. */
export function withLastApplied(object: KubernetesObject, namespace: string): KubernetesObject {
  const { annotations, ...metadata } = object.metadata;
  const applied = { ...object, metadata: { annotations: annotations ?? {}, ...metadata, namespace } };
  const text = `${JSON.stringify(sorted(applied)).replace(/[<>&]/g, escapeAsGo)}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, namespace, annotations: { ...annotations, [LAST_APPLIED]: text } },
  };
}

function escapeAsGo(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
