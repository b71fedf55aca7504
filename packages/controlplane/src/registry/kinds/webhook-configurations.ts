import type { JsonObject, JsonValue } from "@skerry/base";
import { MatchConditions } from "../../admission/webhooks/match-conditions.ts";
import { DEFAULT_SERVICE_PORT, DEFAULT_TIMEOUT_SECONDS, REVIEW_VERSIONS } from "../../admission/webhooks/webhook.ts";
import { numberAt, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";
import { duplicate, type FieldError, invalidValue, notSupported, required, tooMany } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateLabelSelector } from "../validation/label-selector-validation.ts";

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const MOST_TIMEOUT_SECONDS = 30;
const MOST_CONDITIONS = 64;
const NAME_PART = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** admissionregistration.k8s.io/v1 MutatingWebhookConfiguration and ValidatingWebhookConfiguration. */
export function webhookConfigurationStrategy(type: "mutating" | "validating"): KindStrategy {
  return {
    hasStatus: false,
    tracksGeneration: true,
    applyDefaults(configuration) {
      for (const webhook of objectsIn(configuration["webhooks"])) applyWebhookDefaults(webhook, type);
    },
    validate(configuration) {
      const webhooks = objectsIn(configuration["webhooks"]);
      const names = webhooks.map((webhook) => textAt(webhook, "name"));
      return webhooks.flatMap((webhook, index) => [
        ...(names.indexOf(textAt(webhook, "name")) < index
          ? [duplicate(`webhooks[${index}].name`, textAt(webhook, "name"))]
          : []),
        ...webhookErrors(webhook, `webhooks[${index}]`),
      ]);
    },
  };
}

function applyWebhookDefaults(webhook: JsonObject, type: "mutating" | "validating"): void {
  setDefault(webhook, "failurePolicy", "Fail");
  setDefault(webhook, "matchPolicy", "Equivalent");
  setDefault(webhook, "namespaceSelector", {});
  setDefault(webhook, "objectSelector", {});
  setDefault(webhook, "timeoutSeconds", DEFAULT_TIMEOUT_SECONDS);
  if (type === "mutating") setDefault(webhook, "reinvocationPolicy", "Never");
  for (const rule of objectsIn(webhook["rules"])) setDefault(rule, "scope", "*");
  const { service } = objectAt(webhook, "clientConfig");
  for (const each of objectsIn(service === undefined ? [] : [service])) setDefault(each, "port", DEFAULT_SERVICE_PORT);
}

function webhookErrors(webhook: JsonObject, path: string): FieldError[] {
  const name = textAt(webhook, "name");
  const parts = name.split(".");
  const timeout = numberAt(webhook, "timeoutSeconds");
  const sideEffects = textAt(webhook, "sideEffects");
  return [
    ...(name === "" ? [required(`${path}.name`)] : []),
    ...(name !== "" && (parts.length < 3 || !parts.every((part) => NAME_PART.test(part)))
      ? [invalidValue(`${path}.name`, name, "should be a domain with at least three segments separated by dots")]
      : []),
    ...reviewVersionErrors(webhook["admissionReviewVersions"], `${path}.admissionReviewVersions`),
    ...objectsIn(webhook["rules"]).flatMap((rule, index) => ruleErrors(rule, `${path}.rules[${index}]`)),
    ...(sideEffects === "" ? [required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(", ")}`)] : []),
    ...(sideEffects !== "" && !SIDE_EFFECTS.includes(sideEffects)
      ? [notSupported(`${path}.sideEffects`, sideEffects, SIDE_EFFECTS)]
      : []),
    ...(timeout !== undefined && (timeout < 1 || timeout > MOST_TIMEOUT_SECONDS)
      ? [invalidValue(`${path}.timeoutSeconds`, timeout, "the timeout value must be between 1 and 30 seconds")]
      : []),
    ...["namespaceSelector", "objectSelector"].flatMap((member) =>
      validateLabelSelector(objectAt(webhook, member), `${path}.${member}`),
    ),
    ...clientErrors(objectAt(webhook, "clientConfig"), `${path}.clientConfig`),
    ...conditionErrors(objectsIn(webhook["matchConditions"]), `${path}.matchConditions`),
  ];
}

function reviewVersionErrors(value: JsonValue | undefined, path: string): FieldError[] {
  const versions = Array.isArray(value) ? value : [];
  const known = `must specify one of ${REVIEW_VERSIONS.join(", ")}`;
  if (versions.length === 0) return [required(path, known)];
  return versions.some((version) => REVIEW_VERSIONS.includes(String(version)))
    ? []
    : [invalidValue(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(", ")}`)];
}

function ruleErrors(rule: JsonObject, path: string): FieldError[] {
  const listErrors = (member: string): FieldError[] => {
    const value = rule[member];
    const items = Array.isArray(value) ? value : [];
    if (items.length === 0) return [required(`${path}.${member}`)];
    return items.length > 1 && items.includes("*")
      ? [invalidValue(`${path}.${member}`, items, "if '*' is present, must not specify other values")]
      : [];
  };
  const operations = Array.isArray(rule["operations"]) ? rule["operations"] : [];
  const resources = Array.isArray(rule["resources"]) ? rule["resources"] : [];
  return [
    ...["apiGroups", "apiVersions", "operations"].flatMap(listErrors),
    ...(resources.length === 0 ? [required(`${path}.resources`)] : []),
    ...operations.flatMap((operation, index) =>
      OPERATIONS.includes(String(operation))
        ? []
        : [notSupported(`${path}.operations[${index}]`, operation, OPERATIONS)],
    ),
    ...resources.flatMap((resource, index) => (resource === "" ? [required(`${path}.resources[${index}]`)] : [])),
  ];
}

function clientErrors(client: JsonObject, path: string): FieldError[] {
  const url = client["url"];
  const service = client["service"];
  if ((url === undefined) === (service === undefined))
    return [required(path, "exactly one of url or service is required")];
  if (typeof url === "string") return urlErrors(url, `${path}.url`);
  const at = objectAt(client, "service");
  const port = numberAt(at, "port") ?? DEFAULT_SERVICE_PORT;
  const servicePath = textAt(at, "path");
  return [
    ...(textAt(at, "name") === "" ? [required(`${path}.service.name`, "service name is required")] : []),
    ...(textAt(at, "namespace") === "" ? [required(`${path}.service.namespace`, "service namespace is required")] : []),
    ...(port < 1 || port > 65_535
      ? [invalidValue(`${path}.service.port`, port, "port is not valid: must be between 1 and 65535, inclusive")]
      : []),
    ...(servicePath !== "" && !servicePath.startsWith("/")
      ? [invalidValue(`${path}.service.path`, servicePath, "must start with a '/'")]
      : []),
  ];
}

function urlErrors(text: string, path: string): FieldError[] {
  const form = "; desired format: https://host[/path]";
  if (!URL.canParse(text)) return [required(path, `url must be a valid URL${form}`)];
  const url = new URL(text);
  const wrong = (isWrong: boolean, value: string, detail: string): FieldError[] =>
    isWrong ? [invalidValue(path, value, `${detail}${form}`)] : [];
  return [
    ...wrong(url.protocol !== "https:", url.protocol.replace(":", ""), "'https' is the only allowed URL scheme"),
    ...wrong(url.hostname === "", url.hostname, "host must be specified"),
    ...wrong(url.username !== "", url.username, "user information is not permitted in the URL"),
    ...wrong(url.hash !== "", url.hash.slice(1), "fragments are not permitted in the URL"),
    ...wrong(url.search !== "", url.search.slice(1), "query parameters are not permitted in the URL"),
  ];
}

function conditionErrors(conditions: readonly JsonObject[], path: string): FieldError[] {
  const problems = new MatchConditions(conditions).problems();
  return [
    ...(conditions.length > MOST_CONDITIONS ? [tooMany(path, conditions.length, MOST_CONDITIONS)] : []),
    ...conditions.flatMap((condition, index) => {
      const problem = problems.get(index);
      const expression = textAt(condition, "expression");
      if (expression.trim() === "") return [required(`${path}[${index}].expression`)];
      return problem === undefined
        ? []
        : [invalidValue(`${path}[${index}].expression`, expression, `compilation failed: ${problem}`)];
    }),
  ];
}
