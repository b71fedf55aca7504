import type { TypeTable } from "../type-table.ts";

/** Authentication, authorization, RBAC and certificates. Read as type-table.ts tells. */
export const accessTypes: TypeTable = {
  "authentication.v1.BoundObjectReference": "2 apiVersion string;1 kind string;3 name string;4 uid string",
  "authentication.v1.SelfSubjectReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 status authentication.v1.SelfSubjectReviewStatus value",
  "authentication.v1.SelfSubjectReviewStatus": "1 userInfo authentication.v1.UserInfo value",
  "authentication.v1.TokenRequest":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec authentication.v1.TokenRequestSpec value;3 status authentication.v1.TokenRequestStatus value",
  "authentication.v1.TokenRequestSpec":
    "1 audiences []string atomic;3 boundObjectRef authentication.v1.BoundObjectReference;4 expirationSeconds int64",
  "authentication.v1.TokenRequestStatus": "2 expirationTimestamp time;1 token string",
  "authentication.v1.TokenReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! authentication.v1.TokenReviewSpec value;3 status authentication.v1.TokenReviewStatus value",
  "authentication.v1.TokenReviewSpec": "2 audiences []string atomic;1 token! string",
  "authentication.v1.TokenReviewStatus":
    "4 audiences []string atomic;1 authenticated bool;3 error string;2 user authentication.v1.UserInfo value",
  "authentication.v1.UserInfo": "4 extra {}[]string;3 groups []string atomic;2 uid string;1 username string",
  "authorization.v1.FieldSelectorAttributes":
    "1 rawSelector string;2 requirements []meta.v1.FieldSelectorRequirement atomic",
  "authorization.v1.LabelSelectorAttributes":
    "1 rawSelector string;2 requirements []meta.v1.LabelSelectorRequirement atomic",
  "authorization.v1.LocalSubjectAccessReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! authorization.v1.SubjectAccessReviewSpec value;3 status authorization.v1.SubjectAccessReviewStatus value",
  "authorization.v1.NonResourceAttributes": "1 path string;2 verb string",
  "authorization.v1.NonResourceRule": "2 nonResourceURLs []string atomic;1 verbs! []string atomic",
  "authorization.v1.ResourceAttributes":
    "8 fieldSelector authorization.v1.FieldSelectorAttributes;3 group string;9 labelSelector authorization.v1.LabelSelectorAttributes;7 name string;1 namespace string;5 resource string;6 subresource string;2 verb string;4 version string",
  "authorization.v1.ResourceRule":
    "2 apiGroups []string atomic;4 resourceNames []string atomic;3 resources []string atomic;1 verbs! []string atomic",
  "authorization.v1.SelfSubjectAccessReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! authorization.v1.SelfSubjectAccessReviewSpec value;3 status authorization.v1.SubjectAccessReviewStatus value",
  "authorization.v1.SelfSubjectAccessReviewSpec":
    "2 nonResourceAttributes authorization.v1.NonResourceAttributes;1 resourceAttributes authorization.v1.ResourceAttributes",
  "authorization.v1.SelfSubjectRulesReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! authorization.v1.SelfSubjectRulesReviewSpec value;3 status authorization.v1.SubjectRulesReviewStatus value",
  "authorization.v1.SelfSubjectRulesReviewSpec": "1 namespace string",
  "authorization.v1.SubjectAccessReview":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! authorization.v1.SubjectAccessReviewSpec value;3 status authorization.v1.SubjectAccessReviewStatus value",
  "authorization.v1.SubjectAccessReviewSpec":
    "5 extra {}[]string;4 groups []string atomic;2 nonResourceAttributes authorization.v1.NonResourceAttributes;1 resourceAttributes authorization.v1.ResourceAttributes;6 uid string;3 user string",
  "authorization.v1.SubjectAccessReviewStatus":
    "1 allowed! bool;4 denied bool;3 evaluationError string;2 reason string",
  "authorization.v1.SubjectRulesReviewStatus":
    "4 evaluationError string;3 incomplete! bool;2 nonResourceRules! []authorization.v1.NonResourceRule atomic;1 resourceRules! []authorization.v1.ResourceRule atomic",
  "certificates.v1.CertificateSigningRequest":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! certificates.v1.CertificateSigningRequestSpec value;3 status certificates.v1.CertificateSigningRequestStatus value",
  "certificates.v1.CertificateSigningRequestCondition":
    "5 lastTransitionTime time;4 lastUpdateTime time;3 message string;2 reason string;6 status! string;1 type! string",
  "certificates.v1.CertificateSigningRequestSpec":
    "8 expirationSeconds int32;6 extra {}[]string;4 groups []string atomic;1 request! bytes;7 signerName! string;3 uid string;5 usages []string atomic;2 username string",
  "certificates.v1.CertificateSigningRequestStatus":
    "2 certificate bytes;1 conditions []certificates.v1.CertificateSigningRequestCondition map:type",
  "rbac.v1.AggregationRule": "1 clusterRoleSelectors []meta.v1.LabelSelector atomic",
  "rbac.v1.ClusterRole":
    "3 aggregationRule rbac.v1.AggregationRule;- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 rules []rbac.v1.PolicyRule atomic",
  "rbac.v1.ClusterRoleBinding":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;3 roleRef! rbac.v1.RoleRef value;2 subjects []rbac.v1.Subject atomic",
  "rbac.v1.PolicyRule":
    "2 apiGroups []string atomic;5 nonResourceURLs []string atomic;4 resourceNames []string atomic;3 resources []string atomic;1 verbs! []string atomic",
  "rbac.v1.Role":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 rules []rbac.v1.PolicyRule atomic",
  "rbac.v1.RoleBinding":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;3 roleRef! rbac.v1.RoleRef value;2 subjects []rbac.v1.Subject atomic",
  "rbac.v1.RoleRef": "atomic;1 apiGroup string;2 kind! string;3 name! string",
  "rbac.v1.Subject": "atomic;2 apiGroup string;1 kind! string;3 name! string;4 namespace string",
};
