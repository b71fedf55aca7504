import type { ContainerStatus, Event } from "@skerry/api";
import { firstFew } from "@skerry/base";
import type { Finding, Rule } from "./chain.ts";
import { conditionOf, eventTimeMs, newestEvent, type PodFacts } from "./facts.ts";

/** How long a pod may be on its way before that is told as a fault. */
const STARTING_MS = 60_000;
/** Longer than the longest restart delay. */
const RECENT_MS = 6 * 60_000;

/** Statuses of the init containers, then of the containers. */
function statuses({ pod }: PodFacts): ContainerStatus[] {
  return [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])];
}

/** The first container that waits for one of the reasons. */
function waiting(
  facts: PodFacts,
  ...reasons: readonly string[]
): { name: string; reason: string; message: string; image: string } | undefined {
  for (const { name, state, image } of statuses(facts)) {
    const { reason = "", message = "" } = state?.waiting ?? {};
    if (reasons.includes(reason)) return { name, reason, message, image };
  }
  return undefined;
}

/** Something that the pod refers to is not there. */
export const missing: Rule<PodFacts> = ({ missing: [first], namespace, pod }) =>
  first && pod?.status?.phase === "Pending"
    ? {
        code: first.kind === "image pull Secret" ? "WHY_POD_PULL_SECRET_MISSING" : "WHY_POD_OBJECT_MISSING",
        found: `the pod needs the ${first.kind} ${namespace}/${first.name}, which does not exist`,
        advice: `Create it, or correct the name in the pod; \`kubectl get ${first.kind === "image pull Secret" ? "secret" : first.kind.toLowerCase()} -n ${namespace}\` lists those there are.`,
      }
    : undefined;

/** A claim of the pod has no volume. */
export const unbound: Rule<PodFacts> = ({ unboundClaims: [first], namespace, pod }) =>
  first && pod?.status?.phase === "Pending"
    ? {
        code: "WHY_POD_CLAIM_UNBOUND",
        found: `the PersistentVolumeClaim ${namespace}/${first.name} has no volume: it is ${first.phase}${first.storageClass ? `, of storage class ${first.storageClass}` : ""}`,
        advice:
          "Create a PersistentVolume that fits the claim, or a provisioner for its storage class; `kubectl describe pvc` shows what it asks for.",
      }
    : undefined;

const asRoot: Rule<PodFacts> = (facts) => {
  const found = waiting(facts, "CreateContainerConfigError", "CreateContainerError");
  if (!found || !/runAsNonRoot|run as root/i.test(found.message)) return undefined;
  return {
    code: "WHY_POD_RUNS_AS_ROOT",
    found: `container ${found.name} would run as root, which its runAsNonRoot forbids: ${found.message}`,
    advice: "Set securityContext.runAsUser to another user than 0, use an image that names one, or allow root.",
  };
};

/** As Edged begins what it says of devices: the resource, or the plugin. */
const OF_DEVICES = /^([a-z0-9.-]+\.[a-z0-9.-]+\/[\w.-]+: |the device plugin at )/;

const devices: Rule<PodFacts> = (facts) => {
  const found = waiting(facts, "CreateContainerConfigError");
  if (!found || !OF_DEVICES.test(found.message)) return undefined;
  return {
    code: "WHY_POD_DEVICES",
    found: `container ${found.name} waits for devices of the node: ${found.message}`,
    advice:
      "See that the resource's device plugin runs on the node and that enough of its devices work (docs/node.md).",
  };
};

const config: Rule<PodFacts> = (facts) => {
  const found = waiting(facts, "CreateContainerConfigError");
  return (
    found && {
      code: "WHY_POD_CONFIG",
      found: `container ${found.name} cannot be made from what the pod refers to: ${found.message}`,
      advice: "Correct the reference (name and key of the ConfigMap or Secret) or create what is missing.",
    }
  );
};

/** What must be there before a container can start. */
export const inputRules: readonly Rule<PodFacts>[] = [missing, unbound, asRoot, devices, config];

const mount: Rule<PodFacts> = ({ pod, events }) => {
  const event = newestEvent(events, "FailedMount", "FailedAttachVolume");
  if (!event || pod?.status?.phase !== "Pending") return undefined;
  return {
    code: "WHY_POD_VOLUME",
    found: `a volume cannot be mounted: ${event.message ?? ""}`,
    advice: "Create what the volume refers to, or correct it.",
  };
};

const sandbox: Rule<PodFacts> = ({ pod, events }) => {
  const event = newestEvent(events, "FailedCreatePodSandBox");
  if (!event || pod?.status?.phase !== "Pending") return undefined;
  const message = event.message ?? "";
  if (/cni|network/i.test(message))
    return {
      code: "WHY_POD_NO_CNI",
      found: `the pod gets no network: ${message}`,
      advice: "Check the CNI configuration in /etc/cni/net.d and the plugins in /opt/cni/bin on the node.",
    };
  if (/no space left/i.test(message)) return diskFull(message);
  return {
    code: "WHY_POD_SANDBOX",
    found: `the runtime cannot make the pod's sandbox: ${message}`,
    advice: "Look at containerd's log on the node.",
  };
};

/** Volumes and network. */
export const environmentRules: readonly Rule<PodFacts>[] = [mount, sandbox];

const image: Rule<PodFacts> = (facts) => {
  const found = waiting(facts, "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull");
  if (!found) return undefined;
  const { name, reason, image: named } = found;
  const pulled = facts.events.findLast(({ message }) => message?.startsWith("Failed to pull image"))?.message;
  const why = pulled ?? found.message;
  const detail = `${found.message} ${why}`;
  if (/no space left/i.test(detail)) return diskFull(detail);
  if (reason === "InvalidImageName")
    return {
      code: "WHY_POD_IMAGE_NAME",
      found: `"${named}" (container ${name}) is no name of an image`,
      advice: "Correct the image in the pod.",
    };
  if (reason === "ErrImageNeverPull")
    return {
      code: "WHY_POD_IMAGE_NOT_PRESENT",
      found: `image ${named} is not on the node, and imagePullPolicy Never forbids to fetch it`,
      advice: "`skerry image load FILE` brings it there; or set another imagePullPolicy.",
    };
  if (/unauthori[sz]ed|authentication required|403 Forbidden|denied/i.test(detail))
    return {
      code: "WHY_POD_IMAGE_DENIED",
      found: `the registry does not let the node have image ${named}: ${why}`,
      advice: "Give the pod an image pull Secret (`kubectl create secret docker-registry …`, spec.imagePullSecrets).",
    };
  return {
    code: "WHY_POD_IMAGE",
    found: `image ${named} of container ${name} cannot be fetched: ${why}`,
    advice: "Correct the image's name; without a registry in reach bring it with `skerry image load FILE`.",
  };
};

const start: Rule<PodFacts> = (facts) => {
  const found = waiting(facts, "CreateContainerError", "RunContainerError");
  if (!found) return undefined;
  if (/no space left/i.test(found.message)) return diskFull(found.message);
  return {
    code: "WHY_POD_START",
    found: `container ${found.name} cannot be started: ${found.message}`,
    advice: "Usually the command does not exist in the image, or a mount or security setting is wrong.",
  };
};

/** An image is on its way; while it is, the node says how far. */
const pulling: Rule<PodFacts> = (facts) => {
  const event = newestEvent(facts.events, "Pulling", "Pulled", "PresentImageUsed", "Failed", "Created");
  if (event?.reason !== "Pulling" || !isRecent(event, facts.nowMs)) return undefined;
  if (!waiting(facts, "ContainerCreating", "PodInitializing")) return undefined;
  return {
    code: "WHY_POD_PULLING",
    found: `the node is fetching an image: ${event.message ?? ""}`,
    advice: "Look again in a moment; the node says how far it is after 10 s, and at least once a minute after that.",
    waits: true,
  };
};

const stillStarting: Rule<PodFacts> = (facts) => {
  const { pod, nowMs } = facts;
  const all = statuses(facts);
  const found = waiting(facts, "ContainerCreating", "PodInitializing");
  if (pod?.status?.phase !== "Pending" || (all.length > 0 && !found)) return undefined;
  // An init container that fails keeps the others waiting.
  if (crash(facts)) return undefined;
  const sinceMs = nowMs - Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp ?? "");
  const isLong = sinceMs > STARTING_MS;
  return {
    code: "WHY_POD_STARTING",
    found: all.length === 0 ? "the node has not said anything of the pod yet" : "the containers are being made",
    advice: isLong
      ? "It takes long: see `kubectl describe pod`, and EdgeCore's log (`kubectl logs -n kubeedge -l app=kubeedge-edgecore`)."
      : "Look again in a moment.",
    waits: !isLong,
  };
};

/** A container whose postStart hook fails is ended and started again. */
const hook: Rule<PodFacts> = (facts) => {
  const event = newestEvent(facts.events, "FailedPostStartHook");
  if (!event || !isRecent(event, facts.nowMs)) return undefined;
  return {
    code: "WHY_POD_HOOK",
    found: `a container is ended because its postStart hook fails: ${event.message ?? ""}`,
    advice: "Run the hook's command in the container (`kubectl exec`), and correct it.",
  };
};

/** Image and first start. */
export const startRules: readonly Rule<PodFacts>[] = [image, start, hook, pulling, stillStarting];

const crash: Rule<PodFacts> = (facts) => {
  for (const { name, state, lastState, restartCount } of statuses(facts)) {
    const isBackingOff = state?.waiting?.reason === "CrashLoopBackOff";
    const ended = state?.terminated ?? (isBackingOff ? lastState?.terminated : undefined);
    if (!ended || (!isBackingOff && ended.exitCode === 0)) continue;
    const times = restartCount > 0 ? `, ${restartCount} times so far` : "";
    const advice = `\`kubectl logs ${facts.name} -c ${name}${isBackingOff ? " --previous" : ""} -n ${facts.namespace}\` shows its last words.`;
    if (ended.reason === "StartError")
      return {
        code: "WHY_POD_START",
        found: `container ${name} cannot be started: ${ended.message ?? ""}`,
        advice: "Usually the command does not exist in the image, or a mount or security setting is wrong.",
      };
    if (ended.reason === "OOMKilled")
      return {
        code: "WHY_POD_OUT_OF_MEMORY",
        found: `container ${name} was ended for want of memory${times}`,
        advice: `Raise its memory limit, or find why it needs so much. ${advice}`,
      };
    return {
      code: isBackingOff ? "WHY_POD_CRASH_LOOP" : "WHY_POD_ENDED",
      found: `container ${name} ends with exit code ${ended.exitCode}${times}`,
      advice,
    };
  }
  return undefined;
};

/** A container that is ended again and again by its liveness or startup probe. */
const liveness: Rule<PodFacts> = (facts) => {
  const restarted = statuses(facts).some(({ restartCount }) => restartCount > 0);
  const event = facts.events.findLast(({ message }) => /^(Liveness|Startup) probe failed/.test(message ?? ""));
  if (!restarted || !event || !isRecent(event, facts.nowMs)) return undefined;
  return {
    code: "WHY_POD_LIVENESS",
    found: `a container is ended and started again because a probe of it fails: ${event.message ?? ""}`,
    advice:
      "Ask the app as the probe does (`kubectl exec`); if it only needs longer to start, give it a startupProbe with more time.",
  };
};

const failed: Rule<PodFacts> = ({ pod }) =>
  pod?.status?.phase === "Failed"
    ? {
        code: "WHY_POD_FAILED",
        found: `the pod has failed: ${pod.status.reason ?? ""} ${pod.status.message ?? ""}`.trim(),
        advice:
          pod.status.reason === "DeadlineExceeded"
            ? "It was not done within its activeDeadlineSeconds: give it more time, or find why it took so long."
            : "Delete it; what made it makes a new one.",
      }
    : undefined;

/** A pod that was ended as a whole, by its deadline or an eviction; how its containers ended only follows from that. */
const ended: Rule<PodFacts> = (facts) => (facts.pod?.status?.reason ? failed(facts) : undefined);

/** Staying alive. */
export const lifeRules: readonly Rule<PodFacts>[] = [ended, liveness, crash, failed];

const probe: Rule<PodFacts> = (facts) => {
  const notReady = statuses(facts).find(({ ready, state }) => !ready && state?.running);
  if (!notReady) return undefined;
  const event = newestEvent(facts.events, "Unhealthy");
  return {
    code: "WHY_POD_PROBE",
    found: `container ${notReady.name} runs but is not ready: ${event?.message ?? "its readiness probe has not succeeded yet"}`,
    advice:
      "Ask the app as the probe does: `kubectl exec` or `kubectl port-forward`; correct the probe's path, port or times.",
    waits: event === undefined,
  };
};

const gate: Rule<PodFacts> = ({ pod }) => {
  const types = pod?.spec.readinessGates?.map(({ conditionType }) => conditionType) ?? [];
  const closed = types.filter((type) => conditionOf(pod, type)?.status !== "True");
  if (closed.length === 0 || pod?.status?.phase !== "Running") return undefined;
  return {
    code: "WHY_POD_READINESS_GATE",
    found: `the pod runs, but nothing has set its readiness gate ${firstFew(closed)} to True`,
    advice: "Look at the controller that sets this condition, or remove the gate (spec.readinessGates).",
  };
};

/** Serving. */
export const readinessRules: readonly Rule<PodFacts>[] = [probe, gate];

/** Whether what the event tells may still go on: back-off is at most five minutes. */
function isRecent(event: Event, nowMs: number): boolean {
  return nowMs - eventTimeMs(event) < RECENT_MS;
}

function diskFull(message: string): Finding {
  return {
    code: "WHY_NODE_DISK_FULL",
    found: `the node's disk is full: ${message}`,
    advice: "Free some space on the node: old images (`crictl rmi --prune`), logs, files of the apps.",
  };
}
