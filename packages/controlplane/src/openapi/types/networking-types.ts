import type { TypeTable } from "../type-table.ts";

/** Types of Ingresses, NetworkPolicies and service addresses. */
export const networkingTypes: TypeTable = {
  "networking.v1.HTTPIngressPath":
    "2 backend! networking.v1.IngressBackend value;1 path string;3 pathType! string enum:Exact|ImplementationSpecific|Prefix",
  "networking.v1.HTTPIngressRuleValue": "1 paths! []networking.v1.HTTPIngressPath atomic",
  "networking.v1.IPAddress":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! networking.v1.IPAddressSpec value",
  "networking.v1.IPAddressSpec": "1 parentRef! networking.v1.ParentReference",
  "networking.v1.IPBlock": "1 cidr! string;2 except []string atomic",
  "networking.v1.Ingress":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec networking.v1.IngressSpec value;3 status networking.v1.IngressStatus value",
  "networking.v1.IngressBackend":
    "3 resource core.v1.TypedLocalObjectReference;4 service networking.v1.IngressServiceBackend",
  "networking.v1.IngressClass":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec networking.v1.IngressClassSpec value",
  "networking.v1.IngressClassParametersReference":
    "1 apiGroup string;2 kind! string;3 name! string;5 namespace string;4 scope string",
  "networking.v1.IngressClassSpec": "1 controller string;2 parameters networking.v1.IngressClassParametersReference",
  "networking.v1.IngressLoadBalancerIngress":
    "2 hostname string;1 ip string;4 ports []networking.v1.IngressPortStatus atomic",
  "networking.v1.IngressLoadBalancerStatus": "1 ingress []networking.v1.IngressLoadBalancerIngress atomic",
  "networking.v1.IngressPortStatus": "3 error string;1 port! int32;2 protocol! string enum:SCTP|TCP|UDP",
  "networking.v1.IngressRule": "1 host string;2.1 http networking.v1.HTTPIngressRuleValue",
  "networking.v1.IngressServiceBackend": "1 name! string;2 port networking.v1.ServiceBackendPort value",
  "networking.v1.IngressSpec":
    "1 defaultBackend networking.v1.IngressBackend;4 ingressClassName string;3 rules []networking.v1.IngressRule atomic;2 tls []networking.v1.IngressTLS atomic",
  "networking.v1.IngressStatus": "1 loadBalancer networking.v1.IngressLoadBalancerStatus value",
  "networking.v1.IngressTLS": "1 hosts []string atomic;2 secretName string",
  "networking.v1.NetworkPolicy":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec networking.v1.NetworkPolicySpec value",
  "networking.v1.NetworkPolicyEgressRule":
    "1 ports []networking.v1.NetworkPolicyPort atomic;2 to []networking.v1.NetworkPolicyPeer atomic",
  "networking.v1.NetworkPolicyIngressRule":
    "2 from []networking.v1.NetworkPolicyPeer atomic;1 ports []networking.v1.NetworkPolicyPort atomic",
  "networking.v1.NetworkPolicyPeer":
    "3 ipBlock networking.v1.IPBlock;2 namespaceSelector meta.v1.LabelSelector;1 podSelector meta.v1.LabelSelector",
  "networking.v1.NetworkPolicyPort": "3 endPort int32;2 port intorstring;1 protocol string enum:SCTP|TCP|UDP",
  "networking.v1.NetworkPolicySpec":
    "3 egress []networking.v1.NetworkPolicyEgressRule atomic;2 ingress []networking.v1.NetworkPolicyIngressRule atomic;1 podSelector meta.v1.LabelSelector value;4 policyTypes []string atomic",
  "networking.v1.ParentReference": "1 group string;4 name! string;3 namespace string;2 resource! string",
  "networking.v1.ServiceBackendPort": "atomic;1 name string;2 number int32",
  "networking.v1.ServiceCIDR":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec networking.v1.ServiceCIDRSpec value;3 status networking.v1.ServiceCIDRStatus value",
  "networking.v1.ServiceCIDRSpec": "1 cidrs []string atomic",
  "networking.v1.ServiceCIDRStatus": "1 conditions []meta.v1.Condition merge:type map",
};
