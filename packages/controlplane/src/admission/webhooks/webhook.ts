import type { LabelSelector } from "@skerry/api";
import { describeError, fromBase64, type JsonObject } from "@skerry/base";
import { labelSelectorPredicate } from "@skerry/kube";
import {
  type ApiObject,
  asJsonObject,
  numberAt,
  objectAt,
  objectsIn,
  textAt,
  textsIn,
} from "../../registry/api-object.ts";
import { MatchConditions } from "./match-conditions.ts";

export type WebhookType = "mutating" | "validating";
type Labels = Readonly<Record<string, string>> | undefined;

/** What a webhook wants to be asked about; `*` stands for all. */
export interface WebhookRule {
  readonly operations: readonly string[];
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  /** `pods`, `pods/status`, `pods/*`, `*`, and the same with `*` for the resource. */
  readonly resources: readonly string[];
  readonly scope: string;
}

/** Where a webhook is. */
export type WebhookTarget =
  | { readonly at: "url"; readonly url: string }
  | {
      readonly at: "service";
      readonly namespace: string;
      readonly name: string;
      readonly port: number;
      /** Begins with a slash. */
      readonly path: string;
    };

/** One entry of a webhook configuration, ready to be matched. */
export interface Webhook {
  readonly type: WebhookType;
  readonly name: string;
  readonly rules: readonly WebhookRule[];
  /** Asked only about the very versions that its rules name. */
  readonly isExact: boolean;
  readonly matchesNamespace: (labels: Labels) => boolean;
  readonly matchesObject: (labels: Labels) => boolean;
  readonly conditions: MatchConditions;
  /** Why nobody knows what it wants to be asked about: it counts as concerned, and as one that cannot be asked. */
  readonly fault: string | undefined;
  /** A failure to ask lets the write pass. */
  readonly ignoresFailures: boolean;
  readonly timeoutSeconds: number;
  /** Does nothing but answer, or nothing else on a dry run. */
  readonly maySeeDryRuns: boolean;
  /** Asked once more when a later webhook has changed the object. */
  readonly isReinvoked: boolean;
  /** Undefined when it understands none that is known here. */
  readonly reviewVersion: string | undefined;
  readonly target: WebhookTarget;
  /** The authorities that its certificate may come from; empty: those of the system. */
  readonly authorityPem: string;
}

/** Versions of AdmissionReview that are spoken here. */
export const REVIEW_VERSIONS: readonly string[] = ["v1", "v1beta1"];
export const DEFAULT_TIMEOUT_SECONDS = 10;
export const DEFAULT_SERVICE_PORT = 443;

/** The webhooks of a stored configuration, in its order. */
export function webhooksOf(configuration: ApiObject, type: WebhookType): Webhook[] {
  return objectsIn(asJsonObject(configuration)["webhooks"]).map((entry) => webhookOf(entry, type));
}

function webhookOf(entry: JsonObject, type: WebhookType): Webhook {
  const client = objectAt(entry, "clientConfig");
  const caBundle = textAt(client, "caBundle");
  return {
    type,
    name: textAt(entry, "name"),
    rules: objectsIn(entry["rules"]).map((rule) => ({
      operations: textsIn(rule["operations"]),
      groups: textsIn(rule["apiGroups"]),
      versions: textsIn(rule["apiVersions"]),
      resources: textsIn(rule["resources"]),
      scope: textAt(rule, "scope") || "*",
    })),
    isExact: entry["matchPolicy"] === "Exact",
    ...selectorsOf(entry),
    conditions: new MatchConditions(objectsIn(entry["matchConditions"])),
    ignoresFailures: entry["failurePolicy"] === "Ignore",
    timeoutSeconds: numberAt(entry, "timeoutSeconds") ?? DEFAULT_TIMEOUT_SECONDS,
    maySeeDryRuns: ["None", "NoneOnDryRun"].includes(textAt(entry, "sideEffects")),
    isReinvoked: entry["reinvocationPolicy"] === "IfNeeded",
    reviewVersion: textsIn(entry["admissionReviewVersions"]).find((version) => REVIEW_VERSIONS.includes(version)),
    target: targetOf(client),
    authorityPem: caBundle === "" ? "" : new TextDecoder().decode(fromBase64(caBundle)),
  };
}

/** What was stored by a version that did not check selectors must not let everything pass. */
function selectorsOf(entry: JsonObject): Pick<Webhook, "matchesNamespace" | "matchesObject" | "fault"> {
  try {
    return {
      matchesNamespace: selectorOf(entry, "namespaceSelector"),
      matchesObject: selectorOf(entry, "objectSelector"),
      fault: undefined,
    };
  } catch (error) {
    return { matchesNamespace: () => true, matchesObject: () => true, fault: describeError(error) };
  }
}

function selectorOf(entry: JsonObject, member: string): (labels: Labels) => boolean {
  // Unlike elsewhere in Kubernetes, a selector that is left out selects everything: it is defaulted to an empty one.
  return labelSelectorPredicate((entry[member] ?? {}) as unknown as LabelSelector);
}

function targetOf(client: JsonObject): WebhookTarget {
  const url = textAt(client, "url");
  if (url !== "") return { at: "url", url };
  const service = objectAt(client, "service");
  return {
    at: "service",
    namespace: textAt(service, "namespace"),
    name: textAt(service, "name"),
    port: numberAt(service, "port") ?? DEFAULT_SERVICE_PORT,
    path: `/${textAt(service, "path").replace(/^\//, "")}`,
  };
}
