/** Limits of the device twin; beyond each the sender is told, nothing is cut off silently. */
export interface DeviceTwinLimits {
  /** Properties of one device, those removed but remembered included. */
  readonly maximumPropertiesPerDevice: number;
  /** UTF-8 bytes of one property's value. KubeEdge allows 512 characters; results of inference do not fit in that. */
  readonly maximumValueBytes: number;
  /** UTF-8 bytes of one `event_id`, which is echoed. */
  readonly maximumEventIdBytes: number;
  /** Devices of one node. */
  readonly maximumDevices: number;
}

export const defaultDeviceTwinLimits: DeviceTwinLimits = {
  maximumPropertiesPerDevice: 512,
  maximumValueBytes: 64 * 1024,
  maximumEventIdBytes: 256,
  maximumDevices: 10_000,
};
