/** A pod with something wrong, and what `skerry why` must name as the first broken step. */
export interface PlantedPod {
  readonly fault: string;
  readonly code: string;
  /** What the finding must name. */
  readonly names: RegExp;
  readonly pod: object;
  /** What else is planted with it. */
  readonly others?: readonly object[];
}

/** A pod of the example app that is there as an image, with what is wrong in it. */
export function podOf(name: string, container: object = {}, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "app", image: "edge-app:latest", imagePullPolicy: "IfNotPresent", ...container }],
      ...spec,
    },
  };
}

const shell = (script: string): object => ({ command: ["sh", "-c", script] });
const volume = (source: object): object => ({ volumes: [{ name: "data", ...source }] });
const mounted = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
const fails = { exec: { command: ["sh", "-c", "echo no heart; exit 1"] }, periodSeconds: 1, failureThreshold: 1 };
const labels = (value: string): object => ({ app: value });

/** All stand on a healthy node at once. */
export const plantedPods: readonly PlantedPod[] = [
  {
    fault: "a wrong image",
    code: "WHY_POD_IMAGE",
    names: /registry\.invalid\/none:1/,
    pod: podOf("wrong-image", { image: "registry.invalid/none:1" }),
  },
  {
    fault: "an image name that is none",
    code: "WHY_POD_IMAGE_NAME",
    names: /NO:NAME:/,
    pod: podOf("no-image-name", { image: "NO:NAME:" }),
  },
  {
    fault: "an image that is not there and may not be fetched",
    code: "WHY_POD_IMAGE_NOT_PRESENT",
    names: /absent:1/,
    pod: podOf("image-never", { image: "absent:1", imagePullPolicy: "Never" }),
  },
  {
    fault: "a missing image pull Secret",
    code: "WHY_POD_PULL_SECRET_MISSING",
    names: /default\/registry-login/,
    pod: podOf(
      "no-pull-secret",
      { image: "registry.invalid/none:2" },
      { imagePullSecrets: [{ name: "registry-login" }] },
    ),
  },
  {
    fault: "a missing ConfigMap of the environment",
    code: "WHY_POD_OBJECT_MISSING",
    names: /ConfigMap default\/absent/,
    pod: podOf("no-configmap", { envFrom: [{ configMapRef: { name: "absent" } }] }),
  },
  {
    fault: "a missing ConfigMap of a volume",
    code: "WHY_POD_OBJECT_MISSING",
    names: /ConfigMap default\/absent-volume/,
    pod: podOf("no-configmap-volume", mounted, volume({ configMap: { name: "absent-volume" } })),
  },
  {
    fault: "a missing Secret",
    code: "WHY_POD_OBJECT_MISSING",
    names: /Secret default\/absent/,
    pod: podOf("no-secret", mounted, volume({ secret: { secretName: "absent" } })),
  },
  {
    fault: "a missing key of a ConfigMap",
    code: "WHY_POD_CONFIG",
    names: /absent-key/,
    pod: podOf("no-key", {
      env: [{ name: "WORD", valueFrom: { configMapKeyRef: { name: "words", key: "absent-key" } } }],
    }),
    others: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "words" }, data: { key: "value" } }],
  },
  {
    fault: "a claim that does not exist",
    code: "WHY_POD_OBJECT_MISSING",
    names: /PersistentVolumeClaim default\/absent/,
    pod: podOf("no-claim", mounted, volume({ persistentVolumeClaim: { claimName: "absent" } })),
  },
  {
    fault: "a claim that is not bound",
    code: "WHY_POD_CLAIM_UNBOUND",
    names: /default\/unbound/,
    pod: podOf("claim-unbound", mounted, volume({ persistentVolumeClaim: { claimName: "unbound" } })),
    others: [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "unbound" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "absent",
          resources: { requests: { storage: "1Gi" } },
        },
      },
    ],
  },
  {
    fault: "a folder of the node that does not exist",
    code: "WHY_POD_VOLUME",
    names: /\/absent\/folder/,
    pod: podOf("no-folder", mounted, volume({ hostPath: { path: "/absent/folder", type: "Directory" } })),
  },
  {
    fault: "a bad node selector",
    code: "WHY_POD_SELECTOR",
    names: /disk=ssd/,
    pod: podOf("bad-selector", {}, { nodeSelector: { disk: "ssd" } }),
  },
  {
    fault: "a node affinity that nothing fits",
    code: "WHY_POD_SELECTOR",
    names: /zone In north/,
    pod: podOf(
      "bad-affinity",
      {},
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["north"] }] }],
            },
          },
        },
      },
    ),
  },
  {
    fault: "a pod affinity that nothing fits",
    code: "WHY_POD_AFFINITY",
    names: /pod affinity/,
    pod: podOf(
      "alone",
      {},
      {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: labels("absent") } },
            ],
          },
        },
      },
    ),
  },
  {
    fault: "a gate that nobody opens",
    code: "WHY_POD_GATED",
    names: /example\.com\/wait/,
    pod: podOf("gated", {}, { schedulingGates: [{ name: "example.com/wait" }] }),
  },
  {
    fault: "a scheduler that does not exist",
    code: "WHY_POD_SCHEDULER_UNKNOWN",
    names: /my-scheduler/,
    pod: podOf("other-scheduler", {}, { schedulerName: "my-scheduler" }),
  },
  {
    fault: "a node that does not exist",
    code: "WHY_NODE_UNKNOWN",
    names: /no node nowhere/,
    pod: podOf("no-node", {}, { nodeName: "nowhere" }),
  },
  {
    fault: "too large a request",
    code: "WHY_POD_RESOURCES",
    names: /cpu/,
    pod: podOf("too-large", { resources: { requests: { cpu: "9000" } } }),
  },
  {
    fault: "a request in the wrong unit",
    code: "WHY_POD_RESOURCES",
    names: /memory/,
    pod: podOf("wrong-unit", { resources: { requests: { memory: "100Ti" } } }),
  },
  {
    fault: "a hostPort that another pod has",
    code: "WHY_POD_PORT_TAKEN",
    names: /18081/,
    pod: podOf("port-second", { ports: [{ containerPort: 8080, hostPort: 18081 }] }),
    others: [podOf("port-first", { ports: [{ containerPort: 8080, hostPort: 18081 }] })],
  },
  {
    fault: "an app that ends again and again",
    code: "WHY_POD_CRASH_LOOP",
    names: /exit code 4/,
    pod: podOf("crashes", shell("exit 4")),
  },
  {
    fault: "an init container that fails",
    code: "WHY_POD_CRASH_LOOP",
    names: /prepare/,
    pod: podOf(
      "init-crashes",
      {},
      {
        initContainers: [
          { name: "prepare", image: "edge-app:latest", imagePullPolicy: "IfNotPresent", ...shell("exit 5") },
        ],
      },
    ),
  },
  {
    fault: "an app that failed once and is not started again",
    code: "WHY_POD_ENDED",
    names: /exit code 6/,
    pod: podOf("ended", shell("exit 6"), { restartPolicy: "Never" }),
  },
  {
    fault: "an app that needs more memory than it may have",
    code: "WHY_POD_OUT_OF_MEMORY",
    names: /container app/,
    pod: podOf("out-of-memory", {
      ...shell("x=$(head -c 100000000 /dev/zero | tr '\\0' x); sleep 1000000"),
      resources: { limits: { memory: "16Mi" } },
    }),
  },
  {
    fault: "a command that does not exist",
    code: "WHY_POD_START",
    names: /\/absent/,
    pod: podOf("no-command", { command: ["/absent"] }),
  },
  {
    fault: "an image that runs as root where root is forbidden",
    code: "WHY_POD_RUNS_AS_ROOT",
    names: /runAsNonRoot/,
    pod: podOf("as-root", { securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
  },
  {
    fault: "a failing postStart hook",
    code: "WHY_POD_HOOK",
    names: /postStart/i,
    pod: podOf("bad-hook", { lifecycle: { postStart: { exec: { command: ["sh", "-c", "exit 1"] } } } }),
  },
  {
    fault: "a failing readiness probe",
    code: "WHY_POD_PROBE",
    names: /no heart/,
    pod: podOf("never-ready", { readinessProbe: fails }),
  },
  {
    fault: "a failing liveness probe",
    code: "WHY_POD_LIVENESS",
    names: /Liveness probe failed.*no heart/,
    pod: podOf("never-alive", { livenessProbe: fails }),
  },
  {
    fault: "a failing startup probe",
    code: "WHY_POD_LIVENESS",
    names: /Startup probe failed.*no heart/,
    pod: podOf("never-up", { startupProbe: fails }),
  },
  {
    fault: "a readiness gate that nobody opens",
    code: "WHY_POD_READINESS_GATE",
    names: /example\.com\/ready/,
    pod: podOf("gate", {}, { readinessGates: [{ conditionType: "example.com/ready" }] }),
  },
  {
    fault: "a deadline that has passed",
    code: "WHY_POD_FAILED",
    names: /DeadlineExceeded/,
    pod: podOf("too-late", shell("sleep 1000000"), { activeDeadlineSeconds: 1 }),
  },
  {
    fault: "a finalizer that nobody removes",
    code: "WHY_POD_FINALIZER",
    names: /example\.com\/keep/,
    pod: { ...podOf("kept"), metadata: { name: "kept", finalizers: ["example.com/keep"] } },
  },
];
