export { budgetTrace } from "./budget-trace.ts";
export * from "./cloud-hub.ts";
export * from "./cloud-hub-port.ts";
export * from "./collect-after-joins.ts";
export * from "./credentials/cloud-credentials.ts";
export * from "./credentials/join-token-keeper.ts";
export {
  capacityOf,
  type JoinTokenRecord,
  type JoinTokenScope,
  MAX_BATCH,
  stateOf,
} from "./credentials/join-token-record.ts";
export * from "./credentials/join-token-records.ts";
export * from "./credentials/next-authority.ts";
export * from "./credentials/secrets.ts";
export * from "./enrolment/enrolment-service.ts";
export * from "./errors.ts";
export { isHeldElsewhere } from "./held-elsewhere.ts";
export * from "./link-trace.ts";
export { REPLICA_ANNOTATION } from "./node-annotation.ts";
export * from "./node-objects.ts";
export * from "./node-outages.ts";
export { readLease, SESSION_LEASE_PREFIX, sessionLeaseOf } from "./session-lease.ts";
export * from "./trust/node-revocations.ts";
export * from "./trust/node-trust.ts";
