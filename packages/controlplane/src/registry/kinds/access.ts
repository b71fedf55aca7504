import { jsonEqual } from "@skerry/kube";
import { checkRole, checkRoleBinding } from "../../authorization/escalation.ts";
import { ensureObject, objectAt, objectsIn, setDefault } from "../api-object.ts";
import { invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { RBAC_GROUP, validateRole, validateRoleBinding } from "../validation/rbac-validation.ts";
import { plainStrategy } from "./core.ts";

/** Role and ClusterRole. */
export const roleStrategy: KindStrategy = {
  ...plainStrategy,
  nameRule: "path",
  prepareForCreate: (role, scope) => checkRole(role, scope),
  prepareForUpdate: (next, previous, scope) => checkRole(next, scope, previous),
  validate: validateRole,
};

/** RoleBinding and ClusterRoleBinding: the role they refer to cannot be changed. */
export const roleBindingStrategy: KindStrategy = {
  ...plainStrategy,
  nameRule: "path",
  applyDefaults(binding) {
    setDefault(ensureObject(binding, "roleRef"), "apiGroup", RBAC_GROUP);
    for (const subject of objectsIn(binding["subjects"]))
      if (subject["kind"] === "User" || subject["kind"] === "Group") setDefault(subject, "apiGroup", RBAC_GROUP);
  },
  prepareForCreate: checkRoleBinding,
  prepareForUpdate(next, previous, scope) {
    if (!jsonEqual(next["subjects"] ?? [], previous["subjects"] ?? [])) checkRoleBinding(next, scope);
  },
  validate: validateRoleBinding,
  validateUpdate: (next, previous) =>
    jsonEqual(objectAt(next, "roleRef"), objectAt(previous, "roleRef"))
      ? []
      : [invalidValue("roleRef", next["roleRef"], "cannot change roleRef")],
};
