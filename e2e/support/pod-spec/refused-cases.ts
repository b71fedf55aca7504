import { once, type RefusedCase, script } from "./pod-spec-case.ts";

const NOT_SUPPORTED = "FieldNotSupported";

const refused = (
  name: string,
  fields: RefusedCase["fields"],
  [reason, message]: readonly [reason: string, message: RegExp],
  container: object,
  spec: object = {},
): RefusedCase => ({
  name: `spec-no-${name}`,
  fields,
  reason,
  message,
  pod: once(`spec-no-${name}`, { ...script("echo started"), ...container }, spec),
});

const data = { volumeMounts: [{ name: "data", mountPath: "/data" }] };

/** Pods with what this node cannot carry out. */
export const refusedCases: readonly RefusedCase[] = [
  refused("users", { PodSpec: "hostUsers" }, [NOT_SUPPORTED, /hostUsers/], {}, { hostUsers: false }),
  refused("os", { PodSpec: "os" }, [NOT_SUPPORTED, /spec\.os/], {}, { os: { name: "windows" } }),
  refused(
    "groups",
    { PodSecurityContext: "supplementalGroupsPolicy" },
    [NOT_SUPPORTED, /supplementalGroupsPolicy/],
    {},
    {
      securityContext: { supplementalGroupsPolicy: "Strict" },
    },
  ),
  refused(
    "recursion",
    { VolumeMount: "recursiveReadOnly" },
    [NOT_SUPPORTED, /recursiveReadOnly/],
    {
      volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true, recursiveReadOnly: "Enabled" }],
    },
    { volumes: [{ name: "data", emptyDir: {} }] },
  ),
  refused(
    "handler",
    { PodSpec: "runtimeClassName" },
    ["FailedCreatePodSandBox", /absent/],
    {},
    {
      runtimeClassName: "absent",
    },
  ),
  refused(
    "profile",
    { SecurityContext: "appArmorProfile", AppArmorProfile: "type localhostProfile" },
    ["Failed", /apparmor/i],
    { securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "absent" } } },
  ),
  refused("nfs", { Volume: "nfs" }, ["FailedMount", /kind nfs/], data, {
    volumes: [{ name: "data", nfs: { server: "192.0.2.1", path: "/" } }],
  }),
  refused(
    "key",
    { EnvVarSource: "fileKeyRef" },
    ["Failed", /fileKeyRef/],
    {
      env: [{ name: "X", valueFrom: { fileKeyRef: { volumeName: "data", path: "env", key: "X" } } }],
    },
    { volumes: [{ name: "data", emptyDir: {} }] },
  ),
];
