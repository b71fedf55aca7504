import type { Container, Pod } from "@skerry/api";
import type { GivenDevices } from "../devices/container-devices.ts";
import { PodPaths } from "../pod/pod-paths.ts";
import {
  containerHash,
  containerHashAnnotation,
  containerNameLabel,
  DEFAULT_GRACE_PERIOD_SECONDS,
  gracePeriodAnnotation,
  podIdentity,
  podLabels,
  resourcesAnnotation,
  restartCountAnnotation,
  terminationMessagePathAnnotation,
  terminationMessagePolicyAnnotation,
} from "../pod/runtime-names.ts";
import type { ContainerConfig, ContainerMount, HostFacts, RuntimeImage, UserRange } from "../ports.ts";
import { expandReferences } from "./expansion.ts";
import { effectiveResources } from "./pod-resources.ts";
import { linuxResources } from "./resources.ts";
import { hostNamespaces, securitySettings } from "./security-context.ts";

/** What a container's configuration is made from. */
export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: RuntimeImage;
  readonly restartCount: number;
  readonly nodeName: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly mounts: readonly ContainerMount[];
  readonly devices: GivenDevices;
  readonly userRange: UserRange | undefined;
  readonly host: HostFacts;
  /** Where the machine's own seccomp profiles are. */
  readonly profileFolder: string;
  /** Whether containers that name no seccomp profile have the runtime's. */
  readonly seccompDefault: boolean;
  /** Id of the container whose processes it sees. */
  readonly processNamespaceOf?: string;
}

/**
 * Whether a container is what `kubectl debug -i` without a terminal adds, for one input only. kubectl does not say so
 * (`stdinOnce`), and a runtime that is not told lets go of the output where the input ends: `echo ls | kubectl debug -i …`
 * would show nothing, and leave a shell that waits for ever.
 */
function isForOneInput({ spec }: Pod, { name, stdin, tty }: Container): boolean {
  return stdin === true && tty !== true && (spec.ephemeralContainers ?? []).some((each) => each.name === name);
}

/** What the runtime makes the container from. @throws `EDGED_INVALID_POD`, `EDGED_NOT_SUPPORTED` */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, image, restartCount, variables, devices } = input;
  const grace = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_PERIOD_SECONDS;
  return {
    name: container.name,
    attempt: restartCount,
    imageId: image.id,
    image: container.image ?? "",
    command: (container.command ?? []).map((part) => expandReferences(part, variables)),
    args: (container.args ?? []).map((part) => expandReferences(part, variables)),
    workingDirectory: container.workingDir ?? "",
    environment: [
      ...devices.environment.filter(({ name }) => !variables.has(name)),
      ...[...variables].map(([name, value]) => ({ name, value })),
    ],
    mounts: [...devices.mounts, ...input.mounts],
    devices: devices.devices,
    cdiDevices: devices.cdiDevices,
    labels: { ...podLabels(podIdentity(pod), input.nodeName), [containerNameLabel]: container.name },
    annotations: {
      ...devices.annotations,
      [containerHashAnnotation]: containerHash(container),
      [resourcesAnnotation]: JSON.stringify(effectiveResources(pod, container)),
      [restartCountAnnotation]: String(restartCount),
      [gracePeriodAnnotation]: String(grace),
      [terminationMessagePathAnnotation]: container.terminationMessagePath ?? "/dev/termination-log",
      [terminationMessagePolicyAnnotation]: container.terminationMessagePolicy ?? "File",
    },
    logPath: PodPaths.logPath(container.name, restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true || isForOneInput(pod, container),
    tty: container.tty === true,
    resources: linuxResources(pod, container, input.host),
    hostNamespaces: hostNamespaces(pod),
    shareProcessNamespace: pod.spec.shareProcessNamespace === true,
    userRange: input.userRange,
    ...(input.processNamespaceOf === undefined ? {} : { processNamespaceOf: input.processNamespaceOf }),
    ...securitySettings(pod, container, image, input.profileFolder, {
      kind: input.seccompDefault ? "runtime-default" : "unconfined",
    }),
  };
}
