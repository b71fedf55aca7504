import { IMAGE, namespaceOf, once, type PodSpecCase, script } from "./pod-spec-case.ts";

/** Who a pod is, and what of the machine it sees. */
export const identityCases: readonly PodSpecCase[] = [
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
    name: "spec-subdomain",
    fields: { PodSpec: "subdomain setHostnameAsFQDN" },
    pod: once("spec-subdomain", script("hostname", "tail -n 1 /etc/hosts | cut -f 2-"), {
      hostname: "web-0",
      subdomain: "plant",
      setHostnameAsFQDN: true,
    }),
    expected: ["web-0.plant.default.svc.cluster.local", /^web-0\.plant\.default\.svc\.cluster\.local\s+web-0$/],
  },
  {
    name: "spec-override",
    fields: { PodSpec: "hostnameOverride runtimeClassName" },
    pod: once("spec-override", script("hostname"), { hostnameOverride: "pump.plant", runtimeClassName: "runc" }),
    expected: ["pump.plant"],
  },
  {
    name: "spec-account",
    fields: { PodSpec: "serviceAccountName" },
    others: [{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" } }],
    pod: once(
      "spec-account",
      script(
        "cut -d . -f 2 /var/run/secrets/kubernetes.io/serviceaccount/token | tr _- /+ | busybox base64 -d 2>/dev/null > /tmp/claims",
        "grep -o 'system:serviceaccount:default:robot' /tmp/claims",
      ),
      { serviceAccountName: "robot" },
    ),
    expected: ["system:serviceaccount:default:robot"],
  },
  {
    name: "spec-terminal",
    fields: { Container: "tty stdin stdinOnce" },
    pod: once("spec-terminal", {
      ...script("test -t 1 && echo terminal", "test -t 0 && echo input"),
      tty: true,
      stdin: true,
      stdinOnce: true,
    }),
    expected: ["terminal", "input"],
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
];
