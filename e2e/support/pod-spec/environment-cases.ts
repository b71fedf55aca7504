import { IMAGE, once, type PodSpecCase, script } from "./pod-spec-case.ts";

/** Prints a container's part of the processors in each 100 ms, in both versions of control groups. */
export const CPU_QUOTA =
  "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d ' ' -f 1 /sys/fs/cgroup/cpu.max";

/** Variables and resources. */
export const environmentCases: readonly PodSpecCase[] = [
  {
    name: "spec-environment",
    fields: {
      Container: "env envFrom",
      EnvVar: "name value valueFrom",
      EnvVarSource: "configMapKeyRef secretKeyRef fieldRef resourceFieldRef",
      ConfigMapKeySelector: "name key optional",
      SecretKeySelector: "name key optional",
      ObjectFieldSelector: "fieldPath",
      ResourceFieldSelector: "containerName resource divisor",
      EnvFromSource: "prefix configMapRef secretRef",
      ConfigMapEnvSource: "name optional",
      SecretEnvSource: "name optional",
    },
    others: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "spec-env" }, data: { colour: "green" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "spec-env" }, stringData: { word: "sesame" } },
    ],
    pod: once("spec-environment", {
      ...script(
        'echo "$PLAIN $BOTH"',
        'echo "$COLOUR $WORD [$ABSENT]"',
        'echo "$POD $LIMIT"',
        'echo "$M_colour $S_word"',
      ),
      resources: { limits: { memory: "64Mi" } },
      envFrom: [
        { prefix: "M_", configMapRef: { name: "spec-env" } },
        { prefix: "S_", secretRef: { name: "spec-env" } },
        { configMapRef: { name: "absent", optional: true } },
        { secretRef: { name: "absent", optional: true } },
      ],
      env: [
        { name: "PLAIN", value: "plain" },
        { name: "BOTH", value: "$(PLAIN)er" },
        { name: "COLOUR", valueFrom: { configMapKeyRef: { name: "spec-env", key: "colour" } } },
        { name: "WORD", valueFrom: { secretKeyRef: { name: "spec-env", key: "word" } } },
        { name: "ABSENT", valueFrom: { configMapKeyRef: { name: "spec-env", key: "absent", optional: true } } },
        { name: "ABSENT_TOO", valueFrom: { secretKeyRef: { name: "absent", key: "absent", optional: true } } },
        { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        {
          name: "LIMIT",
          valueFrom: { resourceFieldRef: { containerName: "app", resource: "limits.memory", divisor: "1Mi" } },
        },
      ],
    }),
    expected: ["plain plainer", "green sesame []", "spec-environment 64", "green sesame"],
  },
  {
    name: "spec-limits",
    fields: { Container: "resources", ResourceRequirements: "requests" },
    pod: once("spec-limits", {
      ...script(CPU_QUOTA, "cat /proc/self/oom_score_adj"),
      resources: { limits: { cpu: "250m", memory: "64Mi" }, requests: { cpu: "100m", memory: "32Mi" } },
    }),
    expected: ["25000", /^9\d\d$/],
  },
  {
    name: "spec-pod-limits",
    fields: { PodSpec: "resources" },
    pod: once("spec-pod-limits", script(CPU_QUOTA), { resources: { limits: { cpu: "500m" } } }),
    expected: ["50000"],
  },
  {
    name: "spec-share",
    fields: { PodSpec: "resources" },
    // Neither container has a limit of its own: what stops the one is the group of both.
    pod: once("spec-share", script("dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null || echo limited"), {
      resources: { limits: { memory: "64Mi" } },
      initContainers: [{ name: "side", ...IMAGE, restartPolicy: "Always" }],
    }),
    expected: ["limited"],
  },
];
