import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { BootstrapTokens } from "../authentication/bootstrap-tokens.ts";
import type { ServiceAccountTokens } from "../authentication/service-account-tokens.ts";
import { TOKEN_ISSUER } from "../authentication/service-account-tokens.ts";
import { objectAt, objectsIn, textAt, textsIn } from "../registry/api-object.ts";
import { type FieldError, invalidValue } from "../registry/field-error.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { invalid } from "../registry/status-errors.ts";
import type { AccessAttributes } from "./attributes.ts";
import { nodeNameOf } from "./node-identity.ts";
import type { RbacAuthorizer } from "./rbac-authorizer.ts";

/** A resource that is only ever created and never stored: its answer is the object with a status. */
export interface ReviewResource {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const AUTHENTICATION = "authentication.k8s.io";
const AUTHORIZATION = "authorization.k8s.io";

/** All review resources; each is served in version v1. */
export const REVIEW_RESOURCES: readonly ReviewResource[] = [
  { group: AUTHENTICATION, resource: "tokenreviews", kind: "TokenReview", namespaced: false },
  { group: AUTHENTICATION, resource: "selfsubjectreviews", kind: "SelfSubjectReview", namespaced: false },
  { group: AUTHORIZATION, resource: "subjectaccessreviews", kind: "SubjectAccessReview", namespaced: false },
  { group: AUTHORIZATION, resource: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", namespaced: true },
  { group: AUTHORIZATION, resource: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", namespaced: false },
  { group: AUTHORIZATION, resource: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", namespaced: false },
];

/** Answers questions about who somebody is and what they may do. */
export class Reviews {
  readonly #authorizer: RbacAuthorizer;
  readonly #tokens: ServiceAccountTokens;
  readonly #bootstrapTokens: BootstrapTokens;

  constructor(authorizer: RbacAuthorizer, tokens: ServiceAccountTokens, bootstrapTokens: BootstrapTokens) {
    this.#authorizer = authorizer;
    this.#tokens = tokens;
    this.#bootstrapTokens = bootstrapTokens;
  }

  /** The review with its status. @throws ApiError Invalid */
  answer(review: ReviewResource, user: UserInfo, body: JsonObject): JsonObject {
    const spec = objectAt(body, "spec");
    const errors = review.kind.endsWith("AccessReview") ? accessReviewErrors(review, spec) : [];
    if (errors.length > 0) throw invalid({ ...review, version: "v1" }, "", errors);
    return {
      kind: review.kind,
      apiVersion: `${review.group}/v1`,
      metadata: { ...objectAt(body, "metadata"), creationTimestamp: null },
      ...(review.kind === "SelfSubjectReview" ? {} : { spec }),
      status: this.#status(review, user, spec),
    };
  }

  #status(review: ReviewResource, user: UserInfo, spec: JsonObject): JsonObject {
    switch (review.kind) {
      case "TokenReview":
        return this.#reviewToken(spec);
      case "SelfSubjectReview":
        return { userInfo: userJson(user) };
      case "SelfSubjectRulesReview":
        return this.#rules(user, textAt(spec, "namespace"));
      case "SelfSubjectAccessReview":
        return { allowed: this.#authorizer.allows(attributesOf(user, spec)) };
      default:
        return { allowed: this.#authorizer.allows(attributesOf(namedUser(spec), spec)) };
    }
  }

  #reviewToken(spec: JsonObject): JsonObject {
    const asked = textsIn(spec["audiences"]);
    const token = textAt(spec, "token");
    const userFor = (audience: string): UserInfo | undefined =>
      this.#tokens.authenticate(token, [audience]) ??
      (audience === TOKEN_ISSUER ? this.#bootstrapTokens.authenticate(token) : undefined);
    // Only those that the token is for: who asked for several must not take it for one of the others.
    const audiences = (asked.length > 0 ? asked : [TOKEN_ISSUER]).filter((audience) => userFor(audience));
    const [first] = audiences;
    const found = first === undefined ? undefined : userFor(first);
    return found ? { authenticated: true, user: userJson(found), audiences } : { error: "invalid bearer token" };
  }

  #rules(user: UserInfo, namespace: string): JsonObject {
    const rules = this.#authorizer.rulesFor(user, namespace);
    return {
      resourceRules: rules.filter((rule) => rule["resources"] !== undefined),
      nonResourceRules: rules.filter((rule) => rule["nonResourceURLs"] !== undefined),
      // What is a node's own cannot be told by rules.
      ...(nodeNameOf(user) === undefined
        ? { incomplete: false }
        : { incomplete: true, evaluationError: "node authorizer does not support user rule resolution" }),
    };
  }
}

/** What is asked must be said, and by whom unless by oneself. */
function accessReviewErrors({ kind }: ReviewResource, spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const isResource = isJsonObject(spec["resourceAttributes"]);
  const isPath = isJsonObject(spec["nonResourceAttributes"]);
  if (isResource && isPath) {
    const detail = "cannot be specified in combination with resourceAttributes";
    errors.push(invalidValue("spec.nonResourceAttributes", spec["nonResourceAttributes"], detail));
  }
  if (!isResource && !isPath) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(invalidValue("spec.resourceAttributes", null, detail));
  }
  if (kind !== "SelfSubjectAccessReview" && textAt(spec, "user") === "" && textsIn(spec["groups"]).length === 0)
    errors.push(invalidValue("spec.user", "", "at least one of user or group must be specified"));
  return errors;
}

function namedUser(spec: JsonObject): UserInfo {
  const groups = spec["groups"];
  return {
    username: textAt(spec, "user"),
    groups: Array.isArray(groups) ? groups.map(String) : [],
  };
}

function attributesOf(user: UserInfo, spec: JsonObject): AccessAttributes {
  const path = spec["nonResourceAttributes"];
  if (isJsonObject(path)) return { user, verb: textAt(path, "verb"), path: textAt(path, "path") };
  const wanted = objectAt(spec, "resourceAttributes");
  return {
    user,
    verb: textAt(wanted, "verb"),
    resource: {
      group: textAt(wanted, "group"),
      resource: textAt(wanted, "resource"),
      subresource: textAt(wanted, "subresource"),
      namespace: textAt(wanted, "namespace"),
      name: textAt(wanted, "name"),
      fieldSelector: fieldSelectorOf(objectAt(wanted, "fieldSelector")),
    },
  };
}

/** A selector comes as its text, or taken apart. */
function fieldSelectorOf(selector: JsonObject): string {
  const equalities = objectsIn(selector["requirements"]).flatMap((requirement) => {
    const { operator, values } = requirement;
    const isOne = operator === "In" && Array.isArray(values) && values.length === 1;
    return isOne ? [`${textAt(requirement, "key")}=${String(values[0])}`] : [];
  });
  return equalities.length > 0 ? equalities.join(",") : textAt(selector, "rawSelector");
}

function userJson(user: UserInfo): JsonObject {
  return {
    username: user.username,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra ? { extra: user.extra as unknown as JsonValue } : {}),
  };
}
