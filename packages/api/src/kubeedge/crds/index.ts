import type { CustomResourceDefinition } from "./custom-resource-definition.ts";
import { deviceDefinition, deviceModelDefinition, deviceStatusDefinition } from "./devices.ts";
import { configUpdateJobDefinition, imagePrePullJobDefinition, nodeUpgradeJobDefinition } from "./node-jobs.ts";
import { clusterObjectSyncDefinition, objectSyncDefinition } from "./reliable-syncs.ts";
import { ruleDefinition, ruleEndpointDefinition } from "./rules.ts";

export { type CustomResourceDefinition, managedByLabel, type PrinterColumn } from "./custom-resource-definition.ts";

/** The definitions that CloudCore needs, in the order to install them. */
export const kubeEdgeDefinitions: readonly CustomResourceDefinition[] = [
  deviceModelDefinition,
  deviceDefinition,
  deviceStatusDefinition,
  objectSyncDefinition,
  clusterObjectSyncDefinition,
  ruleEndpointDefinition,
  ruleDefinition,
  imagePrePullJobDefinition,
  configUpdateJobDefinition,
  nodeUpgradeJobDefinition,
];
