import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { isAllowed } from "../../authorization/rbac-authorizer.ts";
import { ensureObject, objectAt, objectsIn, textAt } from "../api-object.ts";
import type { KindStrategy, WriteScope } from "../resource-definition.ts";
import { validateSigningRequest } from "../validation/signing-request-validation.ts";

const GROUP = "certificates.k8s.io";
/** Conditions by which somebody decides about a request. */
const DECISIONS: ReadonlySet<unknown> = new Set(["Approved", "Denied"]);

/**
 * certificates.k8s.io/v1 CertificateSigningRequest: who asks is what authentication found, not what the body says; who
 * decides needs the verb `approve` on the signer, who answers for it `sign`, and neither does the other's work.
 */
export const certificateSigningRequestStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  selectableFields: ["spec.signerName"],
  prepareForCreate(request, { context }) {
    const spec = ensureObject(request, "spec");
    spec["username"] = context.user.username;
    spec["groups"] = [...context.user.groups];
    delete spec["uid"];
    delete spec["extra"];
    request["status"] = {};
  },
  validateCreate: (request) => validateSigningRequest(objectAt(request, "spec"), "spec"),
  prepareForUpdate(next, previous) {
    const spec = previous["spec"];
    if (spec !== undefined) next["spec"] = spec;
  },
  prepareForStatus(next, previous, subresource, scope) {
    const [asked, before] = [objectAt(next, "status"), objectAt(previous, "status")];
    if (subresource === "approval") {
      const { conditions } = asked;
      next["status"] = { ...before, ...(conditions === undefined ? {} : { conditions }) };
      return permissionRefusal("approve", previous, scope);
    }
    const decided = decisionsIn(before);
    if (!jsonEqual(decisionsIn(asked), decided)) {
      const others = objectsIn(asked["conditions"]).filter(({ type }) => !DECISIONS.has(type));
      next["status"] = { ...asked, conditions: [...decided, ...others] };
    }
    return jsonEqual(objectAt(next, "status"), before) ? undefined : permissionRefusal("sign", previous, scope);
  },
};

function decisionsIn(status: JsonObject): JsonObject[] {
  return objectsIn(status["conditions"]).filter(({ type }) => DECISIONS.has(type));
}

/** A rule names a signer, or all of its domain. */
function permissionRefusal(verb: string, request: JsonObject, { session, context }: WriteScope): string | undefined {
  const signerName = textAt(objectAt(request, "spec"), "signerName");
  const domain = `${signerName.split("/")[0]}/*`;
  const mayUse = (name: string): boolean =>
    isAllowed(session, {
      user: context.user,
      verb,
      resource: { group: GROUP, resource: "signers", subresource: "", namespace: "", name },
    });
  if (mayUse(signerName) || mayUse(domain)) return undefined;
  return `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`;
}
