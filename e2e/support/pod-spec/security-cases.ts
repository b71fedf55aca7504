import { IMAGE, mounts, once, type PodSpecCase, script } from "./pod-spec-case.ts";

/** A profile of the machine: nobody makes a folder. */
export const SECCOMP_PROFILE = {
  name: "no-folders.json",
  content: {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
  },
} as const;

/** What a container may do. */
export const securityCases: readonly PodSpecCase[] = [
  {
    name: "spec-security",
    fields: {
      PodSpec: "securityContext",
      PodSecurityContext: "runAsUser runAsGroup runAsNonRoot supplementalGroups fsGroup sysctls",
      Sysctl: "name value",
      Container: "securityContext",
      SecurityContext: "readOnlyRootFilesystem allowPrivilegeEscalation capabilities seccompProfile",
      Capabilities: "add drop",
      SeccompProfile: "type",
    },
    others: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "spec-security" }, stringData: { word: "found" } }],
    pod: once(
      "spec-security",
      {
        ...script(
          "id -u; id -g; id -G",
          "touch /x 2>/dev/null || echo read-only",
          "grep -E '^(NoNewPrivs|CapBnd|Seccomp):' /proc/self/status | tr -d '\\t'",
          "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
          "stat -c %g /data",
          "cat /hidden/word; stat -L -c '%a %g' /hidden/word",
        ),
        volumeMounts: mounts("data", "hidden"),
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      },
      {
        volumes: [
          { name: "data", emptyDir: {} },
          { name: "hidden", secret: { secretName: "spec-security", defaultMode: 0o400 } },
        ],
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 2000,
          runAsNonRoot: true,
          supplementalGroups: [3000],
          fsGroup: 4000,
          sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "81" }],
        },
      },
    ),
    expected: [
      "1000",
      "2000",
      /^2000 (4000 3000|3000 4000)$/,
      "read-only",
      "CapBnd:0000000000000400",
      "NoNewPrivs:1",
      "Seccomp:2",
      "81",
      "4000",
      "found440 4000",
    ],
  },
  {
    name: "spec-privileged",
    fields: { SecurityContext: "privileged runAsGroup procMount" },
    pod: once(
      "spec-privileged",
      {
        ...script("mount -t tmpfs none /tmp && echo mounted", "id -g"),
        securityContext: { privileged: true, runAsGroup: 5 },
      },
      {
        initContainers: [
          {
            name: "unmasked",
            ...IMAGE,
            ...script("grep -q ' /proc/kcore ' /proc/mounts && exit 1; exit 0"),
            securityContext: { procMount: "Unmasked" },
          },
        ],
      },
    ),
    expected: ["mounted", "5"],
  },
  {
    name: "spec-profile",
    fields: {
      SecurityContext: "seccompProfile",
      SeccompProfile: "localhostProfile",
      PodSecurityContext: "seccompProfile",
    },
    pod: once("spec-profile", script("mkdir /tmp/new 2>/dev/null || echo denied"), {
      securityContext: { seccompProfile: { type: "Localhost", localhostProfile: SECCOMP_PROFILE.name } },
    }),
    expected: ["denied"],
  },
];
