import { IMAGE, mounts, podOf, type ShownFields, script } from "./pod-spec-case.ts";

/** A pod that is ready only when its startup, readiness and liveness probes succeed. */
export const probedPod: ShownFields = {
  name: "spec-probes",
  fields: {
    Container: "startupProbe readinessProbe livenessProbe ports",
    Probe: "httpGet tcpSocket initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold",
    HTTPGetAction: "path port scheme httpHeaders",
    HTTPHeader: "name value",
    TCPSocketAction: "port",
    ContainerPort: "name containerPort protocol",
  },
  pod: podOf(
    "spec-probes",
    {
      ports: [{ name: "web", containerPort: 8080, protocol: "TCP" }],
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
      readinessProbe: {
        httpGet: { path: "/", port: "web", scheme: "HTTP", httpHeaders: [{ name: "x-asked-by", value: "probe" }] },
        initialDelaySeconds: 1,
        periodSeconds: 1,
        timeoutSeconds: 5,
        successThreshold: 2,
      },
      livenessProbe: { tcpSocket: { port: "web" }, periodSeconds: 1 },
      lifecycle: { postStart: { exec: { command: ["touch", "/seen/file"] } } },
      volumeMounts: mounts("seen"),
    },
    { volumes: [{ name: "seen", emptyDir: {} }] },
  ),
};

/** A pod whose hooks write, and whose end leaves a message. */
export const endingPod: ShownFields = {
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

/** A pod on the machine's network whose probes ask servers of the machine. @param ports of a gRPC server, and an HTTP one */
export const hostProbedPod = (grpcPort: number, httpPort: number): ShownFields => ({
  name: "spec-grpc",
  fields: {
    Probe: "grpc",
    GRPCAction: "port service",
    HTTPGetAction: "host",
    TCPSocketAction: "host",
    LifecycleHandler: "httpGet",
  },
  pod: podOf(
    "spec-grpc",
    {
      ...script("sleep 1000"),
      lifecycle: { postStart: { httpGet: { host: "127.0.0.1", port: httpPort, path: "/post-start" } } },
      startupProbe: { httpGet: { host: "127.0.0.1", port: httpPort, path: "/startup" }, periodSeconds: 1 },
      livenessProbe: { tcpSocket: { host: "127.0.0.1", port: httpPort }, periodSeconds: 1 },
      readinessProbe: { grpc: { port: grpcPort, service: "pump" }, periodSeconds: 1, timeoutSeconds: 10 },
    },
    { hostNetwork: true },
  ),
});

/** A pod that does not hear that it should end, with little time by its probe and much by itself. */
export const deafPod: ShownFields = {
  name: "spec-deaf",
  fields: { Probe: "terminationGracePeriodSeconds" },
  pod: podOf(
    "spec-deaf",
    {
      ...script("trap '' TERM", "while true; do sleep 1; done"),
      livenessProbe: {
        exec: { command: ["false"] },
        initialDelaySeconds: 1,
        periodSeconds: 1,
        failureThreshold: 1,
        terminationGracePeriodSeconds: 1,
      },
    },
    { terminationGracePeriodSeconds: 3600 },
  ),
};

/** What `kubectl debug --custom` puts into the running pod, beside its name, image and command. */
export interface DebugContainer extends Pick<ShownFields, "name" | "fields"> {
  readonly container: object;
  readonly arguments: readonly string[];
  readonly expected: readonly string[];
}

export const debugContainer: DebugContainer = {
  name: "spec-debug",
  fields: {
    PodSpec: "ephemeralContainers",
    EphemeralContainer:
      "args command env envFrom image imagePullPolicy name securityContext targetContainerName terminationMessagePath terminationMessagePolicy tty volumeMounts workingDir",
  },
  container: {
    env: [{ name: "WORD", value: "found" }],
    envFrom: [{ configMapRef: { name: "spec-env" } }],
    imagePullPolicy: "IfNotPresent",
    securityContext: { runAsUser: 7 },
    terminationMessagePath: "/dev/last",
    terminationMessagePolicy: "File",
    tty: true,
    volumeMounts: mounts("seen"),
    workingDir: "/tmp",
  },
  arguments: [
    ...["sh", "-c"],
    'echo "$WORD $colour"; id -u; pwd; ls /seen; ps | grep -q "[h]ttpd" && echo httpd; test -t 1 && echo terminal; echo bye > /dev/last',
  ],
  expected: ["found green", "7", "/tmp", "file", "httpd", "terminal"],
};

/** One that ends where the input of the first who is attached does. */
export const listeningContainer: DebugContainer = {
  name: "spec-listen",
  fields: { EphemeralContainer: "stdin stdinOnce" },
  container: { stdin: true, stdinOnce: true },
  arguments: ["cat"],
  expected: ["hello"],
};

/** A pod that is given other limits while it runs: of the processor as it is, of memory with a new container. */
export const resizedPod: ShownFields = {
  name: "spec-resize",
  fields: { Container: "resizePolicy", ContainerResizePolicy: "resourceName restartPolicy" },
  pod: podOf("spec-resize", {
    ...script("sleep 1000"),
    resources: { limits: { cpu: "250m", memory: "64Mi" } },
    resizePolicy: [
      { resourceName: "cpu", restartPolicy: "NotRequired" },
      { resourceName: "memory", restartPolicy: "RestartContainer" },
    ],
  }),
};

export const REGISTRY_LOGIN = { username: "plant", password: "sesame" } as const;

/** A pod whose image is given away only to those who know the password. @param registry its address */
export const privateImagePod = (registry: string): ShownFields => ({
  name: "spec-private",
  fields: { PodSpec: "imagePullSecrets", LocalObjectReference: "name" },
  others: [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "spec-private" },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [registry]: REGISTRY_LOGIN } }) },
    },
  ],
  pod: podOf(
    "spec-private",
    { image: `${registry}/spec/private:1`, command: ["/none"] },
    { imagePullSecrets: [{ name: "spec-private" }] },
  ),
});

/** A pod that goes on only once it has the variables of a Service. */
export const linkedPod: ShownFields = {
  name: "spec-links",
  fields: { PodSpec: "enableServiceLinks" },
  others: [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "spec-pump" },
      spec: { selector: { app: "none" }, ports: [{ port: 8123 }] },
    },
  ],
  pod: podOf("spec-links", script('test -n "$SPEC_PUMP_SERVICE_HOST" && echo "$SPEC_PUMP_SERVICE_PORT"'), {
    restartPolicy: "OnFailure",
    enableServiceLinks: true,
  }),
};

/** One that wants no such variables. */
export const unlinkedPod: object = podOf("spec-no-links", script("env | grep -c ^SPEC_PUMP_ || true"), {
  restartPolicy: "Never",
  enableServiceLinks: false,
});
