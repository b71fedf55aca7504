/** One device in a membership message (wire.md 12.6). */
export interface MembershipDevice {
  /** `<namespace>/<name>` */
  id: string;
  name: string;
  description?: string;
}

/** Content of `membership`: devices bound to the node, or no longer (wire.md D10, D11). */
export interface MembershipUpdate {
  event_id: string;
  /** Milliseconds since the Unix epoch. */
  timestamp: number;
  added_devices: MembershipDevice[] | null;
  removed_devices: MembershipDevice[] | null;
}

/** Content of `device/<namespace>/<name>/twin/edge_updated` (wire.md U27). */
export interface TwinReport {
  event_id: string;
  timestamp: number;
  twin: Record<string, TwinReportProperty | null>;
}

export interface TwinReportProperty {
  expected?: TwinReportValue;
  actual?: TwinReportValue;
  optional?: boolean;
  metadata?: { type?: string };
  expected_version?: TwinVersion;
  actual_version?: TwinVersion;
}

export interface TwinReportValue {
  value?: string;
  metadata?: { timestamp?: number };
}

export interface TwinVersion {
  cloud: number;
  edge: number;
}

/** Content, as JSON text, of `device/<namespace>/<name>/state/update` (wire.md U26). */
export interface DeviceStateReport {
  event_id: string;
  timestamp: number;
  device: { name?: string; state?: string; lastOnlineTime?: string };
}
