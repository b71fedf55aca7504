import { readlinkSync } from "node:fs";
import { podOf } from "./planted-pods.ts";

/** A pod whose container says what it finds; each line of its log is one finding. */
export interface PodSpecCase {
  readonly name: string;
  /** The fields that it shows, as docs/pod-spec.md names them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly pod: object;
  readonly others?: readonly object[];
  readonly expected: readonly (string | RegExp)[];
}

const IMAGE = { image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
const script = (...lines: readonly string[]): object => ({ command: ["sh", "-c", lines.join("\n")] });
/** A pod that runs a script to its end. */
const once = (name: string, container: object, spec: object = {}): object =>
  podOf(name, container, { restartPolicy: "Never", ...spec });
const mounts = (...names: readonly string[]): object[] => names.map((name) => ({ name, mountPath: `/${name}` }));
const namespaceOf = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`);

export const podSpecCases: readonly PodSpecCase[] = [
  {
    name: "spec-names",
    fields: {
      PodSpec: "containers restartPolicy hostname hostAliases dnsPolicy dnsConfig terminationGracePeriodSeconds",
      Container: "name image imagePullPolicy command args workingDir",
      HostAlias: "ip hostnames",
      PodDNSConfig: "nameservers searches options",
      PodDNSConfigOption: "name value",
    },
    pod: once(
      "spec-names",
      {
        command: ["sh", "-c", 'hostname; grep 192.0.2.7 /etc/hosts; cat /etc/resolv.conf; pwd; echo "$0 $1"'],
        args: ["first", "second"],
        workingDir: "/tmp",
      },
      {
        hostname: "my-host",
        hostAliases: [{ ip: "192.0.2.7", hostnames: ["pump", "pump.plant"] }],
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["192.0.2.53"],
          searches: ["plant.example"],
          options: [{ name: "ndots", value: "3" }, { name: "rotate" }],
        },
      },
    ),
    expected: [
      "my-host",
      /^192\.0\.2\.7\s+pump\s+pump\.plant$/,
      "search plant.example",
      "nameserver 192.0.2.53",
      "options ndots:3 rotate",
      "/tmp",
      "first second",
    ],
  },
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
    pod: once(
      "spec-security",
      {
        ...script(
          "id -u; id -g; id -G",
          "touch /x 2>/dev/null || echo read-only",
          "grep -E '^(NoNewPrivs|CapBnd|Seccomp):' /proc/self/status | tr -d '\\t'",
          "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
          "stat -c %g /data",
        ),
        volumeMounts: mounts("data"),
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      },
      {
        volumes: [{ name: "data", emptyDir: {} }],
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
    ],
  },
  {
    name: "spec-volumes",
    fields: {
      PodSpec: "volumes",
      Container: "volumeMounts",
      Volume: "name configMap secret downwardAPI projected emptyDir hostPath",
      VolumeMount: "name mountPath subPath subPathExpr readOnly",
      ConfigMapVolumeSource: "name items defaultMode optional",
      KeyToPath: "key path mode",
      SecretVolumeSource: "secretName items defaultMode optional",
      DownwardAPIVolumeSource: "items defaultMode",
      DownwardAPIVolumeFile: "path fieldRef resourceFieldRef mode",
      EmptyDirVolumeSource: "medium",
      HostPathVolumeSource: "path type",
      ProjectedVolumeSource: "sources defaultMode",
      VolumeProjection: "configMap secret downwardAPI serviceAccountToken",
      ConfigMapProjection: "name items optional",
      SecretProjection: "name items optional",
      DownwardAPIProjection: "items",
      ServiceAccountTokenProjection: "path audience expirationSeconds",
    },
    others: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "spec-vol" }, data: { a: "A", b: "B" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "spec-vol" }, stringData: { c: "C" } },
    ],
    pod: once(
      "spec-volumes",
      {
        ...script(
          "cat /map/deep/a; ls /map; stat -L -c %a /map/deep/a",
          "cat /hidden/c; stat -L -c %a /hidden/c",
          "cat /about/name; cat /about/limit; stat -L -c %a /about/name",
          "cat /all/a /all/c /all/name; test -s /all/token && echo token; stat -L -c %a /all/a",
          "grep -c ' /memory tmpfs ' /proc/mounts",
          "echo kept > /part/file; cat /whole/sub/file; ls -d /named",
          "touch /locked/x 2>/dev/null || echo locked",
          "ls -d /optional-map /optional-secret",
        ),
        env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        resources: { limits: { memory: "64Mi" } },
        volumeMounts: [
          ...mounts("map", "hidden", "about", "all", "memory", "whole", "optional-map", "optional-secret"),
          { name: "whole", mountPath: "/part", subPath: "sub" },
          { name: "whole", mountPath: "/named", subPathExpr: "$(POD)" },
          { name: "whole", mountPath: "/locked", readOnly: true },
        ],
      },
      {
        volumes: [
          {
            name: "map",
            configMap: { name: "spec-vol", items: [{ key: "a", path: "deep/a", mode: 0o440 }], defaultMode: 0o400 },
          },
          { name: "hidden", secret: { secretName: "spec-vol", items: [{ key: "c", path: "c" }], defaultMode: 0o400 } },
          {
            name: "about",
            downwardAPI: {
              defaultMode: 0o444,
              items: [
                { path: "name", fieldRef: { fieldPath: "metadata.name" }, mode: 0o404 },
                { path: "limit", resourceFieldRef: { containerName: "app", resource: "limits.memory" } },
              ],
            },
          },
          {
            name: "all",
            projected: {
              defaultMode: 0o404,
              sources: [
                { configMap: { name: "spec-vol", items: [{ key: "a", path: "a" }] } },
                { configMap: { name: "absent", optional: true } },
                { secret: { name: "spec-vol", items: [{ key: "c", path: "c" }] } },
                { secret: { name: "absent", optional: true } },
                { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
                { serviceAccountToken: { path: "token", audience: "plant", expirationSeconds: 3600 } },
              ],
            },
          },
          { name: "memory", emptyDir: { medium: "Memory" } },
          { name: "whole", hostPath: { path: "/tmp/skerry-e2e-pod-spec", type: "DirectoryOrCreate" } },
          { name: "optional-map", configMap: { name: "absent", optional: true } },
          { name: "optional-secret", secret: { secretName: "absent", optional: true } },
        ],
      },
    ),
    expected: [
      "Adeep",
      "440",
      "C400",
      /^spec-volumes67108864404$/,
      /^ACspec-volumestoken$/,
      "404",
      "1",
      "kept",
      "/named",
      "locked",
      "/optional-map",
      "/optional-secret",
    ],
  },
  {
    name: "spec-host",
    fields: { PodSpec: "hostNetwork hostPID hostIPC" },
    pod: once("spec-host", script("for each in net pid ipc; do busybox readlink /proc/self/ns/$each; done"), {
      hostNetwork: true,
      hostPID: true,
      hostIPC: true,
    }),
    expected: [namespaceOf("net"), namespaceOf("pid"), namespaceOf("ipc")],
  },
  {
    name: "spec-shared",
    fields: { PodSpec: "shareProcessNamespace" },
    pod: once("spec-shared", script("until ps | grep -q '[s]leep 4242'; do sleep 1; done; echo seen"), {
      shareProcessNamespace: true,
      initContainers: [{ name: "other", ...IMAGE, command: ["sleep", "4242"], restartPolicy: "Always" }],
    }),
    expected: ["seen"],
  },
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
];

/** A pod that is ready only when its startup, readiness and liveness probes succeed. */
export const probedPod: Pick<PodSpecCase, "name" | "fields" | "pod"> = {
  name: "spec-probes",
  fields: {
    Container: "startupProbe readinessProbe livenessProbe ports",
    Probe: "httpGet tcpSocket initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold",
    HTTPGetAction: "path port scheme httpHeaders",
    HTTPHeader: "name value",
    TCPSocketAction: "port",
    ContainerPort: "name containerPort",
  },
  pod: podOf("spec-probes", {
    ports: [{ name: "web", containerPort: 8080 }],
    startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: {
      httpGet: { path: "/", port: "web", scheme: "HTTP", httpHeaders: [{ name: "x-asked-by", value: "probe" }] },
      initialDelaySeconds: 1,
      periodSeconds: 1,
      timeoutSeconds: 5,
      successThreshold: 2,
    },
    livenessProbe: { tcpSocket: { port: "web" }, periodSeconds: 1 },
  }),
};

/** A pod whose hooks write, and whose end leaves a message. */
export const endingPod: Pick<PodSpecCase, "name" | "fields" | "pod"> = {
  name: "spec-ending",
  fields: {
    Container: "lifecycle terminationMessagePath terminationMessagePolicy",
    Lifecycle: "postStart preStop",
    LifecycleHandler: "exec",
    ExecAction: "command",
  },
  pod: podOf(
    "spec-ending",
    {
      ...script("until test -e /shared/started; do sleep 1; done", "echo bye > /dev/bye", "exit 3"),
      terminationMessagePath: "/dev/bye",
      volumeMounts: mounts("shared"),
      lifecycle: { postStart: { exec: { command: ["touch", "/shared/started"] } } },
    },
    {
      restartPolicy: "Never",
      volumes: [{ name: "shared", emptyDir: {} }],
      initContainers: [
        {
          name: "side",
          ...IMAGE,
          ...script("until test -e /shared/stopping; do sleep 1; done", "echo the last line", "exit 4"),
          restartPolicy: "Always",
          terminationMessagePolicy: "FallbackToLogsOnError",
          volumeMounts: mounts("shared"),
          lifecycle: { preStop: { exec: { command: ["touch", "/shared/stopping"] } } },
        },
      ],
      terminationGracePeriodSeconds: 20,
    },
  ),
};
