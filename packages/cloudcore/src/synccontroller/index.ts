export type { DesiredObject, DesiredObjects } from "./desired-objects.ts";
export { joinDesiredObjects } from "./desired-objects.ts";
export {
  configMapKind,
  deviceKind,
  deviceModelKind,
  type ManagedKind,
  managedKindOf,
  nodeKind,
  podKind,
  secretKind,
  serviceKind,
} from "./managed-kinds.ts";
export type { OutgoingObject } from "./node-synchronizer.ts";
export { type FollowedCollection, SetFreshness } from "./set-freshness.ts";
export { SyncController, type SyncControllerOptions } from "./sync-controller.ts";
