import type { Pod, PodStatus } from "./core.ts";

/** Marks a pod that a machine runs by itself and shows to the cluster. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** The namespace of CloudCore's and EdgeCore's own objects. */
export const SYSTEM_NAMESPACE = "kubeedge";

/** Skerry's own parts, as `app=kubeedge-…` selects them. */
export type SystemComponent = "cloudcore" | "edgecore";

/** Whether the pod is one that a machine runs by itself; nobody else may run it. */
export function isMirrorPod(pod: Pick<Pod, "metadata">): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** The name of the pod that stands for a component on a machine. */
export function systemPodName(component: SystemComponent, machine: string): string {
  return `${component}-${machine}`;
}

/**
 * The pod that stands for CloudCore or EdgeCore, so that `kubectl get pods` and `kubectl logs -n kubeedge` show them. It
 * is a process of the machine, not a container, and stays however long its node is away.
 */
export function systemPod(component: SystemComponent, machine: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: systemPodName(component, machine),
      namespace: SYSTEM_NAMESPACE,
      labels: { app: `kubeedge-${component}`, "app.kubernetes.io/part-of": "skerry" },
      annotations: { [MIRROR_ANNOTATION]: component, "kubernetes.io/config.source": "skerry" },
    },
    spec: {
      nodeName: machine,
      hostNetwork: true,
      restartPolicy: "Always",
      enableServiceLinks: false,
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: component, image: `skerry/${component}`, imagePullPolicy: "Never" }],
    },
  };
}

/** The status of a component that runs since then. */
export function systemPodStatus(component: SystemComponent, startTime: string): PodStatus {
  const condition = (type: string) => ({ type, status: "True" as const, lastTransitionTime: startTime });
  return {
    phase: "Running",
    startTime,
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
    containerStatuses: [
      {
        name: component,
        ready: true,
        started: true,
        restartCount: 0,
        image: `skerry/${component}`,
        imageID: "",
        state: { running: { startedAt: startTime } },
      },
    ],
  };
}
