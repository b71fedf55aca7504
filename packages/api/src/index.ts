export * from "./componentconfig/cloudcore-config.ts";
export * from "./componentconfig/cloudcore-config-text.ts";
export type { RouterConfig } from "./componentconfig/cloudcore-router-section.ts";
export * from "./componentconfig/config-section.ts";
export * from "./componentconfig/edgecore-config.ts";
export * from "./componentconfig/edgecore-config-text.ts";
export { DEFAULT_PARALLEL_PULLS, type EdgedSection } from "./componentconfig/edgecore-edged-section.ts";
export type { EdgeHubSection } from "./componentconfig/edgecore-edgehub-section.ts";
export type { EventBusSection } from "./componentconfig/edgecore-eventbus-section.ts";
export {
  defaultEviction,
  defaultImageGarbage,
  type EvictionAmount,
  type EvictionSection,
  type EvictionSignal,
  type EvictionThreshold,
  type ImageGarbageSection,
} from "./componentconfig/edgecore-eviction-section.ts";
export type { MetaServerSection } from "./componentconfig/edgecore-metaserver-section.ts";
export { nothingReserved, type ReservedResources } from "./componentconfig/edgecore-reserved-section.ts";
export type { ServiceBusSection } from "./componentconfig/edgecore-servicebus-section.ts";
export type { ShutdownGroup } from "./componentconfig/edgecore-shutdown-section.ts";
export * from "./componentconfig/field-updates.ts";
export * from "./componentconfig/telemetry-section.ts";
export * from "./kubeedge/index.ts";
export * from "./kubernetes/core.ts";
export * from "./kubernetes/meta.ts";
export * from "./kubernetes/resources.ts";
export * from "./kubernetes/storage.ts";
export * from "./kubernetes/system-pods.ts";
export * from "./kubernetes/workloads.ts";
