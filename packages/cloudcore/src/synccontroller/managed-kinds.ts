import {
  apiVersionOf,
  configMaps,
  type Device,
  deviceModels,
  devices,
  type KubernetesObject,
  type Node,
  nodes,
  pods,
  type ResourceReference,
  type Service,
  secrets,
  services,
} from "@skerry/api";
import { textDigest } from "@skerry/base";

/** A kind of object that nodes hold, and how it travels (wire.md 10). */
export interface ManagedKind {
  readonly reference: ResourceReference;
  /** Type in the message's path. */
  readonly type: string;
  /** Who it is from: an edge hands it on by that, also in repairs (wire.md W9). */
  readonly source: "edgecontroller" | "devicecontroller";
  /**
   * Operation of the first message about an object. What can leave a node and come back in the same version must be
   * inserted: the delivery takes anything else for a late update.
   */
  readonly firstOperation: "insert" | "update";
  /** Whether the node is told when the object is gone. A node is not told that it is itself deleted (wire.md D7). */
  readonly tellsDeletion: boolean;
  /** The caches hold the metadata only: the content is read when it is to be sent. */
  readonly contentIsRead?: boolean;
  /** The object as the node gets it, where that is not all of it. */
  readonly outgoing?: (object: KubernetesObject) => KubernetesObject;
  /**
   * Digest of what matters to the node, where the rest changes all the time; a version that differs in nothing else is
   * not sent. Without it every version is sent.
   */
  readonly significance?: (object: KubernetesObject) => string;
  /** Sent to nodes with Skerry's delivery only: KubeEdge's edge has no use for it. */
  readonly skerryOnly?: boolean;
}

const fromEdgeController = { source: "edgecontroller", tellsDeletion: true } as const;
const fromDeviceController = { source: "devicecontroller", firstOperation: "insert", tellsDeletion: true } as const;

export const nodeKind: ManagedKind = {
  ...fromEdgeController,
  reference: nodes,
  type: "node",
  firstOperation: "update",
  tellsDeletion: false,
  // The node's own heartbeats do not come back to it (wire.md W32).
  significance: (object) => {
    const { spec, status } = object as Node;
    const conditions = (status?.conditions ?? []).map(({ lastHeartbeatTime: _time, ...condition }) => condition);
    return significanceOf(object, spec, { ...status, conditions });
  },
};

export const configMapKind: ManagedKind = {
  ...fromEdgeController,
  reference: configMaps,
  type: "configmap",
  firstOperation: "insert",
  contentIsRead: true,
};

export const secretKind: ManagedKind = {
  ...fromEdgeController,
  reference: secrets,
  type: "secret",
  firstOperation: "insert",
  contentIsRead: true,
};

/** What a node needs to serve the Services of its own pods; the endpoints it finds itself. */
export const serviceKind: ManagedKind = {
  ...fromEdgeController,
  reference: services,
  type: "service",
  firstOperation: "insert",
  skerryOnly: true,
  outgoing: withoutStatus,
  significance: (object) => {
    const { spec } = object as Service;
    return significanceOf(object, spec);
  },
};

/** Every version goes down, also the echo of the node's own status: KubeEdge's edge compares with what it holds. */
export const podKind: ManagedKind = { ...fromEdgeController, reference: pods, type: "pod", firstOperation: "update" };

export const deviceModelKind: ManagedKind = { ...fromDeviceController, reference: deviceModels, type: "devicemodel" };

export const deviceKind: ManagedKind = {
  ...fromDeviceController,
  reference: devices,
  type: "device",
  outgoing: withoutReports,
  significance: (object) => {
    const { spec, status } = withoutReports(object);
    return significanceOf(object, spec, status);
  },
};

/** All of them, what is needed before what needs it. */
export const managedKinds: readonly ManagedKind[] = [
  nodeKind,
  configMapKind,
  secretKind,
  serviceKind,
  deviceModelKind,
  deviceKind,
  podKind,
];

/** The kind with that apiVersion and kind, if nodes hold it. */
export function managedKindOf(apiVersion: string | undefined, kind: string | undefined): ManagedKind | undefined {
  return managedKinds.find(
    ({ reference }) => reference.kind === kind && (apiVersion === undefined || apiVersionOf(reference) === apiVersion),
  );
}

/** What the edge has reported does not come back to it; Go writes the member all the same. */
function withoutReports(object: KubernetesObject): Device {
  const { status, ...device } = object as Device;
  const {
    twins: _twins,
    state: _state,
    lastOnlineTime: _online,
    lastReportedTime: _reported,
    ...settings
  } = status ?? {};
  return { ...device, status: settings };
}

function withoutStatus(object: KubernetesObject): KubernetesObject {
  const { status: _status, ...rest } = object as Service;
  return rest;
}

/** One is kept for each object of each node, so it is a digest. Nobody else loses by a collision that somebody contrives. */
function significanceOf(object: KubernetesObject, ...parts: readonly unknown[]): string {
  return textDigest(JSON.stringify([stableMetadata(object), ...parts]));
}

function stableMetadata(object: KubernetesObject): object {
  const { resourceVersion: _version, generation: _generation, managedFields: _fields, ...metadata } = object.metadata;
  return metadata;
}
