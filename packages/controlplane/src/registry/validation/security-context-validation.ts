import type { JsonObject } from "@skerry/base";
import { objectAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import { INT32_MAX, within } from "./number-rules.ts";

const IDS = [0, INT32_MAX] as const;

/** Rules of a container's security context. */
export function validateSecurityContext(context: JsonObject, path: string): FieldError[] {
  const errors = [...within(context, path, ["runAsUser", "runAsGroup"], IDS), ...profileErrors(context, path)];
  if (context["allowPrivilegeEscalation"] === false) {
    if (context["privileged"] === true)
      errors.push(
        invalidValue(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"),
      );
    const { add } = objectAt(context, "capabilities");
    if (Array.isArray(add) && add.includes("CAP_SYS_ADMIN"))
      errors.push(
        invalidValue(
          path,
          context,
          "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
        ),
      );
  }
  return errors;
}

/** Rules of a pod's security context. */
export function validatePodSecurityContext(context: JsonObject, path: string): FieldError[] {
  const groups = Array.isArray(context["supplementalGroups"]) ? context["supplementalGroups"] : [];
  return [
    ...within(context, path, ["fsGroup", "runAsUser", "runAsGroup"], IDS),
    ...groups.flatMap((group, index) => {
      const isGood = typeof group === "number" && group >= 0 && group <= INT32_MAX;
      return isGood
        ? []
        : [
            invalidValue(
              `${path}.supplementalGroups[${index}]`,
              group,
              `must be between 0 and ${INT32_MAX}, inclusive`,
            ),
          ];
    }),
    ...profileErrors(context, path),
  ];
}

function profileErrors(context: JsonObject, path: string): FieldError[] {
  const { type, localhostProfile } = objectAt(context, "seccompProfile");
  const at = `${path}.seccompProfile.localhostProfile`;
  if (type === "Localhost" && (localhostProfile ?? "") === "")
    return [required(at, "must be set when seccomp type is Localhost")];
  return type !== undefined && type !== "Localhost" && localhostProfile !== undefined
    ? [invalidValue(at, localhostProfile, "can only be set when seccomp type is Localhost")]
    : [];
}
