import { configMaps, persistentVolumeClaims } from "@skerry/api";
import { type PodFault, waitingFor } from "./pod-faults.ts";
import { NODE } from "./world.ts";

/** What keeps a pod that has its node from starting. */
export const startFaults: readonly PodFault[] = [
  [
    "a wrong image",
    "started",
    "WHY_POD_IMAGE",
    /app:1 .*no such host/,
    async (world) => {
      await world.pod({ nodeName: NODE }, waitingFor("ImagePullBackOff", "Back-off pulling image"));
      await world.event("Failed", 'Failed to pull image "app:1": no such host');
      await world.event("Failed", "Error: ErrImagePull");
    },
  ],
  [
    "an image name that is none",
    "started",
    "WHY_POD_IMAGE_NAME",
    /"APP::" .*no name/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("InvalidImageName", "", "APP::")),
  ],
  [
    "an image that may not be pulled and is not there",
    "started",
    "WHY_POD_IMAGE_NOT_PRESENT",
    /Never/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImageNeverPull")),
  ],
  [
    "a registry that refuses",
    "started",
    "WHY_POD_IMAGE_DENIED",
    /registry does not let/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImagePull", "401 Unauthorized: authentication required")),
  ],
  [
    "a missing image pull Secret",
    "what it needs",
    "WHY_POD_PULL_SECRET_MISSING",
    /default\/regcred/,
    (world) => world.pod({ nodeName: NODE, imagePullSecrets: [{ name: "regcred" }] }, waitingFor("ImagePullBackOff")),
  ],
  [
    "a disk that is full while the image is unpacked",
    "started",
    "WHY_NODE_DISK_FULL",
    /no space left/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImagePull", "write: no space left on device")),
  ],
  [
    "no CNI on the node",
    "network",
    "WHY_POD_NO_CNI",
    /cni/i,
    async (world) => {
      await world.pod({ nodeName: NODE }, {});
      await world.event("FailedCreatePodSandBox", "cni plugin not initialized");
    },
  ],
  [
    "a missing ConfigMap",
    "what it needs",
    "WHY_POD_OBJECT_MISSING",
    /ConfigMap default\/settings/,
    (world) =>
      world.pod(
        {
          nodeName: NODE,
          containers: [{ name: "app", image: "app:1", envFrom: [{ configMapRef: { name: "settings" } }] }],
        },
        waitingFor("CreateContainerConfigError", 'configmap "settings" not found'),
      ),
  ],
  [
    "devices that nobody offers",
    "what it needs",
    "WHY_POD_DEVICES",
    /example\.com\/camera: no device plugin/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        waitingFor("CreateContainerConfigError", "example.com/camera: no device plugin offers it on this node"),
      ),
  ],
  [
    "a missing key of a ConfigMap",
    "what it needs",
    "WHY_POD_CONFIG",
    /key level/,
    async (world) => {
      await world.add(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace: "default" },
      });
      await world.pod(
        { nodeName: NODE, volumes: [{ name: "v", configMap: { name: "settings" } }] },
        waitingFor("CreateContainerConfigError", "couldn't find key level in ConfigMap"),
      );
    },
  ],
  [
    "a volume that cannot be mounted",
    "network",
    "WHY_POD_VOLUME",
    /hostPath/,
    async (world) => {
      await world.pod({ nodeName: NODE }, {});
      await world.event("FailedMount", "hostPath /x is not a directory");
    },
  ],
  [
    "a claim that is not bound",
    "what it needs",
    "WHY_POD_CLAIM_UNBOUND",
    /default\/data has no volume: it is Pending, of storage class fast/,
    async (world) => {
      await world.add(persistentVolumeClaims, {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data", namespace: "default" },
        spec: { storageClassName: "fast" },
        status: { phase: "Pending" },
      });
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
      await world.pod({ nodeName: NODE, volumes }, { phase: "Pending" });
    },
  ],
  [
    "a container that may not run as root",
    "what it needs",
    "WHY_POD_RUNS_AS_ROOT",
    /would run as root/,
    (world) =>
      world.pod({ nodeName: NODE }, waitingFor("CreateContainerConfigError", "runAsNonRoot: it would run as root")),
  ],
  [
    "a failing postStart hook",
    "started",
    "WHY_POD_HOOK",
    /exit code 1/,
    async (world) => {
      await world.pod({ nodeName: NODE }, waitingFor("CrashLoopBackOff"));
      await world.event("FailedPostStartHook", "PostStartHook failed: exit code 1");
    },
  ],
];
