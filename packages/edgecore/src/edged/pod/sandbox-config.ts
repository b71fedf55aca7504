import type { Container, Pod } from "@skerry/api";
import type { EdgedConfig } from "../config.ts";
import { hostNamespaces, sandboxUser, seLinuxLabel, sysctls } from "../container/security-context.ts";
import { booleanAt, objectAt } from "../json-access.ts";
import type { PortMapping, SandboxConfig, UserRange } from "../ports.ts";
import type { NameResolution } from "./name-resolution.ts";
import { kernelHostName } from "./pod-host-name.ts";
import { handlerName } from "./runtime-handler.ts";
import { podIdentity, podLabels } from "./runtime-names.ts";

/** What the node gives the pod as a whole. */
export interface SandboxGrants {
  readonly controlGroup?: string | undefined;
  readonly userRange?: UserRange | undefined;
}

/** What the pod's sandbox is made from. @throws `EDGED_INVALID_POD` */
export function sandboxConfig(
  pod: Pod,
  { nodeName, clusterDomain }: Pick<EdgedConfig, "nodeName" | "clusterDomain">,
  attempt: number,
  logDirectory: string,
  dns: NameResolution,
  { controlGroup, userRange }: SandboxGrants = {},
): SandboxConfig {
  const identity = podIdentity(pod);
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const host = hostNamespaces(pod);
  return {
    ...identity,
    attempt,
    // On the host's network the pod has the host's name.
    hostname: host.network ? "" : kernelHostName(pod, clusterDomain),
    logDirectory,
    dns,
    portMappings: host.network ? [] : containers.flatMap(portMappings),
    labels: { ...pod.metadata.labels, ...podLabels(identity, nodeName) },
    annotations: pod.metadata.annotations ?? {},
    hostNamespaces: host,
    privileged: containers.some((container) => booleanAt(container.securityContext, "privileged") === true),
    user: sandboxUser(pod),
    seccomp: { kind: "runtime-default" },
    seLinux: seLinuxLabel(objectAt(pod.spec.securityContext, "seLinuxOptions")),
    runtimeHandler: handlerName(pod),
    sysctls: sysctls(pod),
    controlGroup,
    userRange,
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
