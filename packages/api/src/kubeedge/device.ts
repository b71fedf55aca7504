import type { JsonObject } from "@skerry/base";
import type { KubernetesObject } from "../kubernetes/meta.ts";

/** devices.kubeedge.io/v1beta1 DeviceModel: what devices of one kind offer (devices.md 2.1). */
export interface DeviceModel extends KubernetesObject {
  spec?: {
    properties?: ModelProperty[];
    /** Protocol that selects the mapper. */
    protocol?: string;
    protocolConfigData?: JsonObject;
  };
}

export type PropertyDataType = "INT" | "FLOAT" | "DOUBLE" | "STRING" | "BOOLEAN" | "BYTES" | "STREAM";

export interface ModelProperty {
  name?: string;
  description?: string;
  type?: PropertyDataType;
  accessMode?: "ReadWrite" | "ReadOnly";
  /** Numbers as text. */
  minimum?: string;
  maximum?: string;
  unit?: string;
  visitors?: PropertyVisitors;
}

export interface PropertyVisitors {
  protocolName?: string;
  configData?: JsonObject;
}

/** devices.kubeedge.io/v1beta1 Device: one physical device (devices.md 2.2). */
export interface Device extends KubernetesObject {
  spec?: DeviceSpec;
  /** What the edge last reported, kept by CloudCore so that `kubectl get device` shows it; also legacy settings. */
  status?: DeviceReportedState & {
    /** Of the newest reported value, RFC 3339; for users, who see by it how old all the values are. */
    lastReportedTime?: string;
    reportToCloud?: boolean;
    reportCycle?: number;
  };
}

export interface DeviceSpec {
  deviceModelRef?: { name?: string };
  /** Edge node that serves the device; changing it moves the device. */
  nodeName?: string;
  properties?: DeviceProperty[];
  protocol?: { protocolName?: string; configData?: JsonObject };
  methods?: { name?: string; description?: string; propertyNames?: string[] }[];
  stateReport?: { reportToCloud?: boolean; reportCycle?: number };
}

export interface DeviceProperty {
  /** Joins the model's property of the same name. */
  name?: string;
  desired?: TwinValue;
  visitors?: PropertyVisitors;
  /** Milliseconds. */
  collectCycle?: number;
  /** Milliseconds. */
  reportCycle?: number;
  reportToCloud?: boolean;
  pushMethod?: JsonObject;
}

/** A value and where it comes from; `metadata` knows `timestamp` (milliseconds as text) and `type`. */
export interface TwinValue {
  value: string;
  metadata?: Record<string, string>;
}

/** devices.kubeedge.io/v1beta1 DeviceStatus: same name and namespace as its Device (devices.md 2.4). */
export interface DeviceStatus extends KubernetesObject {
  spec?: JsonObject;
  status?: DeviceReportedState & { extensions?: JsonObject | null };
}

export interface DeviceReportedState {
  twins?: DeviceTwinStatus[];
  state?: string;
  /** RFC 3339. */
  lastOnlineTime?: string;
}

export interface DeviceTwinStatus {
  propertyName?: string;
  /** The last actual value. */
  reported?: TwinValue;
  /** The desired value that the edge says it has seen. */
  observedDesired?: TwinValue;
}
