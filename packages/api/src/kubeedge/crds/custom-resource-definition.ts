import type { JsonObject } from "@skerry/base";
import type { Condition, KubernetesObject } from "../../kubernetes/meta.ts";
import type { ResourceReference } from "../../kubernetes/resources.ts";

/** A column that `kubectl get` prints. */
export interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  jsonPath: string;
  description?: string;
  /** Greater than 0: only with `-o wide`. */
  priority?: number;
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition, the part that Skerry writes. */
export interface CustomResourceDefinition extends KubernetesObject {
  spec: {
    group: string;
    scope: "Namespaced" | "Cluster";
    names: { plural: string; singular: string; kind: string; listKind: string; shortNames?: string[] };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: JsonObject };
      subresources?: { status?: JsonObject };
      additionalPrinterColumns?: PrinterColumn[];
    }[];
  };
  status?: { conditions?: Condition[] };
}

/** Says that the definition is Skerry's own: it may be updated by a newer Skerry. */
export const managedByLabel = "app.kubernetes.io/managed-by";

/** The manifest of one kind. `otherVersions` are served with the same schema; the reference's is stored. */
export function definitionOf(
  reference: ResourceReference,
  options: {
    readonly schema: JsonObject;
    readonly otherVersions?: readonly string[];
    readonly statusSubresource?: boolean;
    readonly shortNames?: string[];
    readonly columns?: PrinterColumn[];
  },
): CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${reference.resource}.${reference.group}`, labels: { [managedByLabel]: "skerry" } },
    spec: {
      group: reference.group,
      scope: reference.namespaced ? "Namespaced" : "Cluster",
      names: {
        plural: reference.resource,
        singular: reference.kind.toLowerCase(),
        kind: reference.kind,
        listKind: `${reference.kind}List`,
        ...(options.shortNames ? { shortNames: options.shortNames } : {}),
      },
      versions: [reference.version, ...(options.otherVersions ?? [])].map((name) => ({
        name,
        served: true,
        storage: name === reference.version,
        schema: { openAPIV3Schema: options.schema },
        ...(options.statusSubresource ? { subresources: { status: {} } } : {}),
        ...(options.columns ? { additionalPrinterColumns: options.columns } : {}),
      })),
    },
  };
}
