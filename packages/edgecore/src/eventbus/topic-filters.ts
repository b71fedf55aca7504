/** What EventBus subscribes to (edge.md 9.3); mappers and applications rely on it. */
export const topicFilters: readonly string[] = [
  "$hw/events/upload/#",
  "$hw/events/device/+/+/state/update",
  "$hw/events/device/+/+/twin/+",
  // Devices called by their name alone, as in KubeEdge's older examples.
  "$hw/events/device/+/state/update",
  "$hw/events/device/+/twin/+",
  "$hw/events/node/+/membership/get",
  "$ke/events/device/+/data/update",
  "$ke/events/device/+/+/data/update",
  "SYS/dis/upload_records",
  "+/user/#",
];
