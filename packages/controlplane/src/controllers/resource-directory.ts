import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { asJson, type Informer } from "@skerry/kube";
import { builtInReferences } from "../registry/kinds/kinds.ts";

/** All collections of the cluster at this moment: the built-in ones and those of custom resource definitions. */
export class ResourceDirectory {
  readonly #definitions: Informer<KubernetesObject>;
  readonly #builtIn: readonly ResourceReference[] = builtInReferences();

  constructor(definitions: Informer<KubernetesObject>) {
    this.#definitions = definitions;
  }

  all(): ResourceReference[] {
    return [...this.#builtIn, ...this.#definitions.cache.list().flatMap((each) => referenceOf(each) ?? [])];
  }

  /** The collection of a kind, whatever its version; undefined when there is none. */
  find(apiVersion: string, kind: string): ResourceReference | undefined {
    const slash = apiVersion.indexOf("/");
    const group = slash < 0 ? "" : apiVersion.slice(0, slash);
    return this.all().find((reference) => reference.group === group && reference.kind === kind);
  }

  /** Calls `listener` when custom resource definitions come, change or go. */
  onChange(listener: () => void): Disposable {
    return this.#definitions.listen(listener);
  }
}

/** Where an established definition's objects are found. */
function referenceOf(definition: KubernetesObject): ResourceReference | undefined {
  const json = asJson(definition);
  const { spec, status } = json;
  if (!isJsonObject(spec) || !isJsonObject(spec["names"])) return undefined;
  const conditions = isJsonObject(status) && Array.isArray(status["conditions"]) ? status["conditions"] : [];
  const isEstablished = conditions.some(
    (condition) => isJsonObject(condition) && condition["type"] === "Established" && condition["status"] === "True",
  );
  const versions = (Array.isArray(spec["versions"]) ? spec["versions"] : []).filter(isJsonObject);
  const version = versions.find(({ storage, served }) => storage && served) ?? versions.find(({ served }) => served);
  if (!isEstablished || !version) return undefined;
  return {
    group: String(spec["group"] ?? ""),
    version: String(version["name"] ?? ""),
    resource: String(spec["names"]["plural"] ?? ""),
    kind: String(spec["names"]["kind"] ?? ""),
    namespaced: spec["scope"] !== "Cluster",
  };
}
