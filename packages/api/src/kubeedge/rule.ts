import type { KubernetesObject } from "../kubernetes/meta.ts";

/** rules.kubeedge.io/v1 RuleEndpoint: one end of the router's ways between cloud and edge (cloud.md 6.1). */
export interface RuleEndpoint extends KubernetesObject {
  spec?: {
    ruleEndpointType?: "rest" | "eventbus" | "servicebus";
    /** `service_port` of a service at the edge. */
    properties?: Record<string, string>;
  };
}

/** rules.kubeedge.io/v1 Rule: what comes from `source` goes to `target`, RuleEndpoints of the same namespace. */
export interface Rule extends KubernetesObject {
  spec?: {
    source?: string;
    /** `path` of rest; `topic` and `node_name` of eventbus; `target_url` and `node_name` of servicebus. */
    sourceResource?: Record<string, string>;
    target?: string;
    /** `resource` (a URL) of rest; `topic` of eventbus; `path` of servicebus. */
    targetResource?: Record<string, string>;
  };
  status?: { successMessages?: number; failMessages?: number; errors?: string[] };
}
