/** What `--defaultconfig` prints: every field that has an effect, with its default. */
export function cloudCoreDefaultConfigText(hostAddress: string): string {
  return `# The complete configuration of CloudCore, with every default. A field that is left out has the value shown here.
# KubeEdge's cloudcore.yaml can be used as it is: its other fields are read and have no effect.

apiVersion: cloudcore.config.kubeedge.io/v1alpha1
kind: CloudCore
kubeAPIConfig:
  # Path of the kubeconfig; empty: the service account of the pod that CloudCore runs in.
  kubeConfig: ""
modules:
  cloudHub:
    # Addresses and names that edge nodes dial; they go into the server's certificate.
    advertiseAddress:
    - ${hostAddress}
    dnsNames: []
    # Days that an edge node's certificate is good for; it renews itself before.
    edgeCertSigningDuration: 365
    # Days after its end in which a node that was offline renews it by itself; after that it needs a join token.
    edgeCertRenewalWindow: 90
    https:
      address: 0.0.0.0
      port: 10002
    # Seconds without a message after which a node counts as disconnected.
    keepaliveInterval: 30
    # Nodes connected at once.
    nodeLimit: 500
    # Files that take precedence over the Secrets in the namespace kubeedge, where they exist.
    tlsCAFile: /etc/kubeedge/ca/rootCA.crt
    tlsCAKeyFile: /etc/kubeedge/ca/rootCA.key
    tlsCertFile: /etc/kubeedge/certs/server.crt
    tlsPrivateKeyFile: /etc/kubeedge/certs/server.key
    # The oldest TLS that nodes and the API server may speak: "1.3" or "1.2".
    tlsMinVersion: "1.3"
    # Hours after which the join token is renewed; it is good for twice as long.
    tokenRefreshDuration: 12
    websocket:
      address: 0.0.0.0
      port: 10000
  # kubectl logs, exec, attach and port-forward. Edge nodes need modules.edgeStream enabled too.
  cloudStream:
    enable: false
    # Common names that the API server's client certificate may have; it must be of the cluster's own authority.
    apiServerNames:
    - kube-apiserver-kubelet-client
    # With a Kubernetes of your own: a domain whose names *.DOMAIN all lead to the CloudCores. Each Node then says
    # NODE.DOMAIN and streamPort as its kubelet's address (docs/streams.md). Empty: Nodes are left as they are.
    kubeletDomain: ""
    # For the API server.
    streamAddress: 0.0.0.0
    streamPort: 10003
    # For edge nodes.
    tunnelAddress: 0.0.0.0
    tunnelPort: 10004
  # Rules: HTTP in the cloud to MQTT topics and HTTP services at the edge, and back.
  router:
    enable: false
    address: 0.0.0.0
    port: 9443
    # Seconds that an answer from the edge may take.
    restTimeout: 60
    # HTTPS with these two files; without them plain HTTP, as in KubeEdge.
    tlsCertFile: ""
    tlsPrivateKeyFile: ""
    # File with the bearer token that callers must bring; without it anyone who reaches the port may call.
    tokenFile: ""
  # The Kubernetes API for the nodes' MetaServers, with the rights of each node.
  dynamicController:
    enable: false
  # Jobs for nodes: images to pull ahead, changes of edgecore.yaml. Edge nodes need modules.taskManager enabled too.
  taskManager:
    enable: false
# What KubeEdge does not have.
skerry:
  # For Prometheus: /metrics, and /metrics/nodes of all connected nodes. Without TLS: where only Prometheus comes.
  metrics:
    enable: false
    address: 127.0.0.1
    port: 9091
  # Traces: OTLP/HTTP address of an OpenTelemetry collector, http://127.0.0.1:4318/v1/traces. Empty: none.
  tracing:
    endpoint: ""
  # Where the samples of devices go. Several CloudCores need one PostgreSQL.
  telemetry:
    enable: true
    # SQLite's file, unless there is a PostgreSQL.
    database: /var/lib/kubeedge/telemetry.db
    maximumDays: 30
    # postgresql://user:password@host/database
    postgres: ""
  # Where several CloudCores work for one cluster (docs/scale.md): the name of this one. Empty: made of the host's name
  # and the WebSocket port.
  replica: ""
  # Other CloudCores of this machine listen on the same ports.
  sharePorts: false
  # Where the others reach this one to lead kubectl logs and the like on. Empty: the first advertiseAddress; 0: any port.
  peerAddress: ""
  peerPort: 0
`;
}

/** What `--minconfig` prints: what most users set, ready to use. */
export function cloudCoreMinConfigText(hostAddress: string): string {
  return `# The smallest useful configuration of CloudCore; all else has its default (\`--defaultconfig\` shows it).

apiVersion: cloudcore.config.kubeedge.io/v1alpha1
kind: CloudCore
kubeAPIConfig:
  kubeConfig: /root/.kube/config
modules:
  cloudHub:
    advertiseAddress:
    - ${hostAddress}
`;
}
