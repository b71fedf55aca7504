import { SkerryError } from "@skerry/base";

/** The cluster has the kind, but not in the version that Skerry speaks. */
export function definitionUnusable(name: string, version: string): SkerryError {
  return new SkerryError({
    code: "CLOUDCORE_DEFINITION_UNUSABLE",
    message: `The cluster's CustomResourceDefinition ${name} does not serve version ${version}`,
    advice: "Install KubeEdge v1.23's definitions, or delete this one when nobody uses it and start CloudCore again.",
    details: { name, version },
  });
}

/** The API server has not accepted a definition in time. */
export function definitionNotEstablished(name: string, reason: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "CLOUDCORE_DEFINITION_NOT_ESTABLISHED",
    message: `The CustomResourceDefinition ${name} was not established within ${timeoutMs} ms: ${reason}`,
    advice: `Look at \`kubectl describe crd ${name}\`.`,
    details: { name, reason, timeoutMs },
  });
}
