import { ApiError, failureStatus } from "@skerry/kube";
import { type FieldSet, pathTexts } from "./field-set.ts";
import type { Manager } from "./managed-fields.ts";

/** Fields that a configuration would change, and their manager. */
export interface ManagerConflict extends Manager {
  readonly fields: FieldSet;
}

/** 409: the configuration changes fields that others own. */
export function applyConflict(conflicts: readonly ManagerConflict[]): ApiError {
  const groups = conflicts
    .map((conflict) => ({ owner: ownerText(conflict), paths: pathTexts(conflict.fields) }))
    .sort((left, right) => (left.owner < right.owner ? -1 : 1));
  const count = groups.reduce((sum, { paths }) => sum + paths.length, 0);
  const texts = groups.map(({ owner, paths }) =>
    paths.length === 1
      ? `conflict with ${owner}: ${paths[0]}`
      : `conflicts with ${owner}:\n${paths.map((path) => `- ${path}`).join("\n")}`,
  );
  const message = `Apply failed with ${count} conflict${count === 1 ? "" : "s"}: ${texts.join("\n")}`;
  return new ApiError(
    failureStatus(409, "Conflict", message, {
      causes: groups.flatMap(({ owner, paths }) =>
        paths.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${owner}`, field })),
      ),
    }),
  );
}

/** Managers of updates are told by version and time too, since several of one name may be meant. */
function ownerText({ name, operation, apiVersion, subresource, time }: Manager & { readonly time?: string }): string {
  if (operation === "Apply") return JSON.stringify(name);
  const where = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${where} using ${apiVersion}${time === undefined ? "" : ` at ${time}`}`;
}
