import { IMAGE, mounts, once, type PodSpecCase, script } from "./pod-spec-case.ts";

/** How containers begin and end. */
export const lifecycleCases: readonly PodSpecCase[] = [
  {
    name: "spec-init",
    fields: { PodSpec: "initContainers" },
    pod: once(
      "spec-init",
      { ...script("cat /data/made"), volumeMounts: mounts("data") },
      {
        volumes: [{ name: "data", emptyDir: {} }],
        initContainers: [{ name: "make", ...IMAGE, ...script("echo made > /data/made"), volumeMounts: mounts("data") }],
      },
    ),
    expected: ["made"],
  },
  {
    name: "spec-stopping",
    fields: {
      Container: "restartPolicy",
      Lifecycle: "stopSignal",
      LifecycleHandler: "sleep",
      SleepAction: "seconds",
    },
    container: "side",
    pod: once("spec-stopping", script("true"), {
      terminationGracePeriodSeconds: 60,
      initContainers: [
        {
          name: "side",
          ...IMAGE,
          ...script(
            "trap 'echo stopped by USR1; exit 0' USR1",
            "trap 'echo stopped by TERM; exit 1' TERM",
            "while true; do sleep 1; done",
          ),
          restartPolicy: "Always",
          lifecycle: { stopSignal: "SIGUSR1", preStop: { sleep: { seconds: 1 } } },
        },
      ],
    }),
    expected: ["stopped by USR1"],
  },
  {
    name: "spec-rules",
    fields: {
      Container: "restartPolicyRules",
      ContainerRestartRule: "exitCodes",
      ContainerRestartRuleOnExitCodes: "operator values",
    },
    pod: once(
      "spec-rules",
      {
        ...script("test -e /data/again && { echo again; exit 0; }", "touch /data/again", "exit 42"),
        restartPolicy: "Never",
        restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
        volumeMounts: mounts("data"),
      },
      { volumes: [{ name: "data", emptyDir: {} }] },
    ),
    expected: ["again"],
  },
  {
    name: "spec-deadline",
    fields: { PodSpec: "activeDeadlineSeconds" },
    phase: "Failed",
    pod: once("spec-deadline", script("echo begun", "sleep 1000"), { activeDeadlineSeconds: 3 }),
    expected: ["begun"],
  },
];
