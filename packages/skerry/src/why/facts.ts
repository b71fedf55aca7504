import type { Condition, Device, DeviceModel, Event, KubernetesObject, Node, Pod } from "@skerry/api";
import type { NodeRevocation } from "@skerry/cloudcore";

/** A process that the supervisor of this machine keeps; whether it runs, and if not, why. */
export interface ProcessFacts {
  readonly name: string;
  readonly isRunning: boolean;
  readonly reason: string;
}

/** What only the node's own machine can tell; known for nodes of this machine. */
export interface LocalFacts {
  /** Whether `skerry link cut` holds. */
  readonly isLinkCut: boolean;
  /** EdgeCore, containerd, broker. */
  readonly processes: readonly ProcessFacts[];
  /** Until when the node's certificate is good. */
  readonly certificateEndsMs?: number;
  /** Free share of the disk that holds the node's folder, 0–1. */
  readonly diskFreeShare?: number;
}

/** What is known of a node. */
export interface NodeFacts {
  readonly nowMs: number;
  readonly name: string;
  readonly node: Node | undefined;
  /** When the node's lease was last renewed. */
  readonly heardMs: number | undefined;
  /** That the node was put out; it may have joined again since. */
  readonly revocation: NodeRevocation | undefined;
  /** The CloudCores of this machine, where there are any. */
  readonly cloud: readonly ProcessFacts[];
  readonly local: LocalFacts | undefined;
}

/** An object of the pod's namespace that the pod cannot start without, and that does not exist. */
export interface MissingObject {
  readonly kind: "ConfigMap" | "Secret" | "PersistentVolumeClaim" | "ServiceAccount" | "image pull Secret";
  readonly name: string;
}

/** A claim of the pod that has no volume yet. */
export interface UnboundClaim {
  readonly name: string;
  readonly phase: string;
  readonly storageClass: string | undefined;
}

/** What is known of a pod, or of the workload that should have made it. */
export interface PodFacts {
  readonly nowMs: number;
  readonly namespace: string;
  readonly name: string;
  readonly pod: Pod | undefined;
  /** The Deployment or ReplicaSet of that name, where there is no pod. */
  readonly workload: { readonly kind: string; readonly name: string; readonly replicas: number } | undefined;
  /** About the pod, or about the workload and its ReplicaSets; the newest last. */
  readonly events: readonly Event[];
  readonly missing: readonly MissingObject[];
  readonly unboundClaims: readonly UnboundClaim[];
  readonly nodes: readonly Node[];
  /** Of the pod's node. */
  readonly node: NodeFacts | undefined;
}

/** What is known of a device. */
export interface DeviceFacts {
  readonly nowMs: number;
  readonly namespace: string;
  readonly name: string;
  readonly device: Device | undefined;
  readonly model: DeviceModel | undefined;
  readonly events: readonly Event[];
  /** Of the device's node. */
  readonly node: NodeFacts | undefined;
}

/** The object's condition of a type. */
export function conditionOf(
  object: (KubernetesObject & { status?: { conditions?: Condition[] } }) | undefined,
  type: string,
): Condition | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type);
}

/** When the event was last seen; wall clock, ms. */
export function eventTimeMs({ lastTimestamp, eventTime, metadata }: Event): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "");
}

/** The newest event with one of the reasons. */
export function newestEvent(events: readonly Event[], ...reasons: readonly string[]): Event | undefined {
  return events.findLast(({ reason }) => reason !== undefined && reasons.includes(reason));
}
