export * from "./https-delegated-api.ts";
export * from "./https-kubernetes-api.ts";
export type { RequesterLimits } from "./https-requester.ts";
export * from "./kube-connection.ts";
