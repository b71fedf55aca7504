import type { Container, Pod } from "@skerry/api";
import { hostNamespaces, sandboxUser, sysctls } from "../container/security-context.ts";
import { booleanAt } from "../json-access.ts";
import type { PortMapping, SandboxConfig } from "../ports.ts";
import type { NameResolution } from "./name-resolution.ts";
import { podIdentity, podLabels } from "./runtime-names.ts";

const HOSTNAME_LIMIT = 63;

/** The name a pod knows itself by. */
export function podHostname(pod: Pod): string {
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, HOSTNAME_LIMIT).replace(/[-.]+$/, "");
}

/** What the pod's sandbox is made from. */
export function sandboxConfig(
  pod: Pod,
  nodeName: string,
  attempt: number,
  logDirectory: string,
  dns: NameResolution,
): SandboxConfig {
  const identity = podIdentity(pod);
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const host = hostNamespaces(pod);
  return {
    ...identity,
    attempt,
    // On the host's network the pod has the host's name.
    hostname: host.network ? "" : podHostname(pod),
    logDirectory,
    dns,
    portMappings: host.network ? [] : containers.flatMap(portMappings),
    labels: { ...pod.metadata.labels, ...podLabels(identity, nodeName) },
    annotations: pod.metadata.annotations ?? {},
    hostNamespaces: host,
    privileged: containers.some((container) => booleanAt(container.securityContext, "privileged") === true),
    user: sandboxUser(pod),
    seccomp: { kind: "runtime-default" },
    sysctls: sysctls(pod),
  };
}

function portMappings(container: Container): PortMapping[] {
  return (container.ports ?? [])
    .filter((port) => port.hostPort !== undefined && port.hostPort > 0)
    .map((port) => ({
      protocol: port.protocol ?? "TCP",
      containerPort: port.containerPort,
      hostPort: port.hostPort ?? 0,
      hostIp: port.hostIP ?? "",
    }));
}
