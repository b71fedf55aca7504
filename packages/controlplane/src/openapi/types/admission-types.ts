import type { TypeTable } from "../type-table.ts";

/** Types of webhooks and policies of admission. */
export const admissionTypes: TypeTable = {
  "admissionregistration.v1.ApplyConfiguration": "1 expression string",
  "admissionregistration.v1.AuditAnnotation": "1 key! string;2 valueExpression! string",
  "admissionregistration.v1.ExpressionWarning": "2 fieldRef! string;3 warning! string",
  "admissionregistration.v1.JSONPatch": "1 expression string",
  "admissionregistration.v1.MatchCondition": "2 expression! string;1 name! string",
  "admissionregistration.v1.MatchResources":
    "atomic;4 excludeResourceRules []admissionregistration.v1.NamedRuleWithOperations atomic;7 matchPolicy string enum:Equivalent|Exact;1 namespaceSelector meta.v1.LabelSelector;2 objectSelector meta.v1.LabelSelector;3 resourceRules []admissionregistration.v1.NamedRuleWithOperations atomic",
  "admissionregistration.v1.MutatingAdmissionPolicy":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec admissionregistration.v1.MutatingAdmissionPolicySpec value",
  "admissionregistration.v1.MutatingAdmissionPolicyBinding":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec admissionregistration.v1.MutatingAdmissionPolicyBindingSpec value",
  "admissionregistration.v1.MutatingAdmissionPolicyBindingSpec":
    "3 matchResources admissionregistration.v1.MatchResources;2 paramRef admissionregistration.v1.ParamRef;1 policyName string",
  "admissionregistration.v1.MutatingAdmissionPolicySpec":
    "5 failurePolicy string enum:Fail|Ignore;6 matchConditions []admissionregistration.v1.MatchCondition merge:name map;2 matchConstraints admissionregistration.v1.MatchResources;4 mutations []admissionregistration.v1.Mutation atomic;1 paramKind admissionregistration.v1.ParamKind;7 reinvocationPolicy string enum:IfNeeded|Never;3 variables []admissionregistration.v1.Variable atomic",
  "admissionregistration.v1.MutatingWebhook":
    "8 admissionReviewVersions! []string atomic;2 clientConfig! admissionregistration.v1.WebhookClientConfig value;4 failurePolicy string enum:Fail|Ignore;12 matchConditions []admissionregistration.v1.MatchCondition merge:name map;9 matchPolicy string enum:Equivalent|Exact;1 name! string;5 namespaceSelector meta.v1.LabelSelector;11 objectSelector meta.v1.LabelSelector;10 reinvocationPolicy string enum:IfNeeded|Never;3 rules []admissionregistration.v1.RuleWithOperations atomic;6 sideEffects! string enum:None|NoneOnDryRun|Some|Unknown;7 timeoutSeconds int32",
  "admissionregistration.v1.MutatingWebhookConfiguration":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;- webhooks []admissionregistration.v1.MutatingWebhook merge:name map",
  "admissionregistration.v1.Mutation":
    "3 applyConfiguration admissionregistration.v1.ApplyConfiguration;4 jsonPatch admissionregistration.v1.JSONPatch;2 patchType! string enum:ApplyConfiguration|JSONPatch",
  "admissionregistration.v1.NamedRuleWithOperations":
    "atomic;2.2.1 apiGroups []string atomic;2.2.2 apiVersions []string atomic;2.1 operations []string atomic;1 resourceNames []string atomic;2.2.3 resources []string atomic;2.2.4 scope string enum:*|Cluster|Namespaced",
  "admissionregistration.v1.ParamKind": "atomic;1 apiVersion string;2 kind string",
  "admissionregistration.v1.ParamRef":
    "atomic;1 name string;2 namespace string;4 parameterNotFoundAction string;3 selector meta.v1.LabelSelector",
  "admissionregistration.v1.RuleWithOperations":
    "2.1 apiGroups []string atomic;2.2 apiVersions []string atomic;1 operations []string atomic;2.3 resources []string atomic;2.4 scope string enum:*|Cluster|Namespaced",
  "admissionregistration.v1.ServiceReference": "2 name! string;1 namespace! string;3 path string;4 port int32",
  "admissionregistration.v1.TypeChecking": "1 expressionWarnings []admissionregistration.v1.ExpressionWarning atomic",
  "admissionregistration.v1.ValidatingAdmissionPolicy":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec admissionregistration.v1.ValidatingAdmissionPolicySpec value;3 status admissionregistration.v1.ValidatingAdmissionPolicyStatus value",
  "admissionregistration.v1.ValidatingAdmissionPolicyBinding":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec value",
  "admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec":
    "3 matchResources admissionregistration.v1.MatchResources;2 paramRef admissionregistration.v1.ParamRef;1 policyName! string;4 validationActions! []string set",
  "admissionregistration.v1.ValidatingAdmissionPolicySpec":
    "5 auditAnnotations []admissionregistration.v1.AuditAnnotation atomic;4 failurePolicy string enum:Fail|Ignore;6 matchConditions []admissionregistration.v1.MatchCondition merge:name map;2 matchConstraints admissionregistration.v1.MatchResources;1 paramKind admissionregistration.v1.ParamKind;3 validations []admissionregistration.v1.Validation atomic;7 variables []admissionregistration.v1.Variable merge:name map",
  "admissionregistration.v1.ValidatingAdmissionPolicyStatus":
    "3 conditions []meta.v1.Condition map:type;1 observedGeneration int64;2 typeChecking admissionregistration.v1.TypeChecking",
  "admissionregistration.v1.ValidatingWebhook":
    "8 admissionReviewVersions! []string atomic;2 clientConfig! admissionregistration.v1.WebhookClientConfig value;4 failurePolicy string enum:Fail|Ignore;11 matchConditions []admissionregistration.v1.MatchCondition merge:name map;9 matchPolicy string enum:Equivalent|Exact;1 name! string;5 namespaceSelector meta.v1.LabelSelector;10 objectSelector meta.v1.LabelSelector;3 rules []admissionregistration.v1.RuleWithOperations atomic;6 sideEffects! string enum:None|NoneOnDryRun|Some|Unknown;7 timeoutSeconds int32",
  "admissionregistration.v1.ValidatingWebhookConfiguration":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;- webhooks []admissionregistration.v1.ValidatingWebhook merge:name map",
  "admissionregistration.v1.Validation":
    "1 expression! string;2 message string;4 messageExpression string;3 reason string",
  "admissionregistration.v1.Variable": "atomic;2 expression! string;1 name! string",
  "admissionregistration.v1.WebhookClientConfig":
    "2 caBundle bytes;1 service admissionregistration.v1.ServiceReference;3 url string",
};
