/** What is put into a printed configuration. */
export interface EdgeCoreConfigFacts {
  readonly nodeName: string;
  /** Host name or address of CloudCore, or of this machine when it is not known. */
  readonly cloudHost: string;
}

/** What `--defaultconfig` prints: every field that has an effect, with its default. */
export function edgeCoreDefaultConfigText({ nodeName, cloudHost }: EdgeCoreConfigFacts): string {
  return `# The complete configuration of EdgeCore, with every default. A field that is left out has the value shown here.
# KubeEdge's edgecore.yaml can be used as it is: its other fields are read and have no effect.

apiVersion: edgecore.config.kubeedge.io/v1alpha2
kind: EdgeCore
database:
  dataSource: /var/lib/kubeedge/edgecore.db
modules:
  deviceTwin:
    enable: true
    # Folder of dmi.sock, where mappers register.
    dmiSockPath: /etc/kubeedge/
    # Seconds; the cloud is told of a device at most once in this time, then with the newest values.
    updateInterval: 1
  edgeHub:
    enable: true
    # Seconds between two keepalives, at most 29.
    heartbeat: 15
    httpServer: https://${cloudHost}:10002
    projectID: e632aba927ea4ac2b575ec1603d56f10
    # Renews the certificate before it expires.
    rotateCertificates: true
    tlsCaFile: /etc/kubeedge/ca/rootCA.crt
    tlsCertFile: /etc/kubeedge/certs/server.crt
    tlsPrivateKeyFile: /etc/kubeedge/certs/server.key
    # Join token for the first start: \`npx skerry token\` where CloudCore runs prints one.
    token: ""
    websocket:
      server: ${cloudHost}:10000
  edged:
    enable: true
    hostnameOverride: ${nodeName}
    # Empty: found by itself.
    nodeIP: ""
    nodeLabels: {}
    registerSchedulable: true
    rootDirectory: /var/lib/kubelet
    tailoredKubeletConfig:
      clusterDNS: []
      clusterDomain: cluster.local
      containerLogMaxFiles: 5
      containerLogMaxSize: 10Mi
      containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
      maxPods: 110
      nodeLeaseDurationSeconds: 40
      nodeStatusReportFrequency: 5m0s
      nodeStatusUpdateFrequency: 10s
      podLogsDir: /var/log/pods
      readOnlyPort: 10350
      registerWithTaints: []
      resolvConf: /etc/resolv.conf
  eventBus:
    enable: true
    eventBusTLS:
      enable: false
      tlsMqttCAFile: /etc/kubeedge/ca/rootCA.crt
      tlsMqttCertFile: /etc/kubeedge/certs/server.crt
      tlsMqttPrivateKeyFile: /etc/kubeedge/certs/server.key
    mqttMode: 2
    mqttPassword: ""
    # Empty: names made from the node's.
    mqttPubClientID: ""
    mqttServerExternal: tcp://127.0.0.1:1883
    mqttSubClientID: ""
    mqttUsername: ""
  # The tunnel for kubectl logs, exec, attach and port-forward; CloudCore needs modules.cloudStream enabled too.
  edgeStream:
    enable: false
    server: ${cloudHost}:10004
  # The cloud's way to HTTP services of this node, and theirs to the cloud; CloudCore needs modules.router enabled too.
  serviceBus:
    enable: false
    port: 9060
    server: 127.0.0.1
    # Seconds that an answer from the cloud may take.
    timeout: 60
    tlsCertFile: ""
    tlsPrivateKeyFile: ""
  # Jobs of the cloud: images to pull ahead, changes of this file; CloudCore needs modules.taskManager enabled too.
  taskManager:
    enable: false
  metaManager:
    # Seconds that a question to the cloud may take.
    remoteQueryTimeout: 60
    # The Kubernetes API for applications of this node, also without the cloud; CloudCore needs modules.dynamicController
    # enabled too. Plain HTTP: every process of this machine may call, unless tokenFile names a file with a bearer token.
    metaServer:
      enable: false
      server: 127.0.0.1:10550
      tokenFile: ""
# What KubeEdge does not have.
skerry:
  # Samples of devices, kept until the cloud has them and as long as there is room.
  telemetry:
    enable: true
    # Beside the node's database.
    database: /var/lib/kubeedge/telemetry.db
    maximumDays: 7
    maximumMiB: 64
  # Traces: OTLP/HTTP address of an OpenTelemetry collector, http://127.0.0.1:4318/v1/traces. Empty: none.
  tracing:
    endpoint: ""
  # Seconds between two pings; a dead link is found within two of them.
  pingPeriod: 5
  # How this node and CloudCore talk: skerry where both know it, kubeedge to speak KubeEdge's protocol in any case.
  delivery: skerry
  # Addresses (host:port) of CloudCore's other replicas. The node dials one of them all, and another when it fails.
  servers: []
  # Where their other ports are not the same as those above: https://host:port, and host:port of the tunnels.
  # httpServers: []
  # streamServers: []
`;
}

/** What `--minconfig` prints: what most users set, ready to use. */
export function edgeCoreMinConfigText({ nodeName, cloudHost }: EdgeCoreConfigFacts): string {
  return `# The smallest useful configuration of EdgeCore; all else has its default (\`--defaultconfig\` shows it).

apiVersion: edgecore.config.kubeedge.io/v1alpha2
kind: EdgeCore
modules:
  edgeHub:
    httpServer: https://${cloudHost}:10002
    # Join token for the first start: \`npx skerry token\` where CloudCore runs prints one.
    token: ""
    websocket:
      server: ${cloudHost}:10000
  edged:
    hostnameOverride: ${nodeName}
`;
}
