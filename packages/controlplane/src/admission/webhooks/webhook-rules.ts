import type { ResourceDefinition } from "../../registry/resource-definition.ts";
import type { ReviewedWrite } from "./reviewed-write.ts";
import type { Webhook, WebhookRule } from "./webhook.ts";

/** What rules look at: all but the object itself. */
export type RuleSubject = Pick<ReviewedWrite, "operation" | "definition" | "subresource">;

/**
 * As which of a resource's versions a webhook wants to be asked about a write: the one that is written when a rule names
 * it, else an equivalent one; undefined when it is not to be asked.
 */
export function reviewedAs(
  webhook: Webhook,
  subject: RuleSubject,
  equivalents: readonly ResourceDefinition[],
): ResourceDefinition | undefined {
  const { definition } = subject;
  const isNamed = (candidate: ResourceDefinition): boolean =>
    webhook.rules.some((rule) => ruleMatches(rule, { ...subject, definition: candidate }));
  if (isNamed(definition)) return definition;
  return webhook.isExact ? undefined : equivalents.find(isNamed);
}

function ruleMatches(rule: WebhookRule, { operation, definition, subresource }: RuleSubject): boolean {
  const { group, version, resource, namespaced } = definition.reference;
  const has = (names: readonly string[], name: string): boolean => names.includes("*") || names.includes(name);
  return (
    has(rule.operations, operation) &&
    has(rule.groups, group) &&
    has(rule.versions, version) &&
    (rule.scope === "*" || (rule.scope === "Namespaced") === namespaced) &&
    rule.resources.some((name) => {
      const [wanted = "", wantedSubresource = ""] = name.split("/");
      return has([wanted], resource) && (wantedSubresource === "*" || wantedSubresource === subresource);
    })
  );
}
