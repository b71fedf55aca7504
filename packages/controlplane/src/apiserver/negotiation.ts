import { ApiError, failureStatus } from "@skerry/kube";

/** The form in which a client wants objects. */
export type ResponseForm = "object" | "table" | "partial-metadata" | "aggregated-discovery";

/** Picks the first form in an Accept header that we have: all of ours are JSON. @throws ApiError 406 */
export function negotiate(accept: string | undefined): ResponseForm {
  if (accept === undefined || accept.trim() === "") return "object";
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue;
    const values = new Map(parameters.map((parameter) => parameter.split("=") as [string, string]));
    const form = formOf(values.get("as"), values.get("g"), values.get("v"));
    if (form) return form;
  }
  throw new ApiError(
    failureStatus(
      406,
      "NotAcceptable",
      "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io",
    ),
  );
}

function formOf(
  as: string | undefined,
  group: string | undefined,
  version: string | undefined,
): ResponseForm | undefined {
  if (as === undefined) return "object";
  if (group === "meta.k8s.io" && version === "v1") {
    if (as === "Table") return "table";
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "partial-metadata";
  }
  if (group === "apidiscovery.k8s.io" && version === "v2" && as === "APIGroupDiscoveryList")
    return "aggregated-discovery";
  return undefined;
}
