import { humanDuration } from "@skerry/base";
import { firstFinding, type Link, type Rule } from "./chain.ts";
import { conditionOf, type NodeFacts, type ProcessFacts } from "./facts.ts";

/** A lease is renewed every 10 s; one renewal may be late. */
const SILENT_MS = 25_000;
/** How far the clocks may differ: certificates and tokens bear so much. */
const CLOCK_SKEW_MS = 60_000;
/** An edge node reports its status at least every 5 minutes. */
const STALE_STATUS_MS = 10 * 60_000;
const DISK_FREE_SHARE = 0.02;

const registered: Rule<NodeFacts> = ({ node, name }) =>
  node
    ? undefined
    : {
        code: "WHY_NODE_UNKNOWN",
        found: `there is no node ${name}: it never joined, or was deleted`,
        advice: `\`kubectl get nodes\` lists those there are. To join it: \`skerry token --node ${name} > edgecore.yaml\` here, \`skerry join edgecore.yaml\` there.`,
      };

const revoked: Rule<NodeFacts> = ({ revocation, heardMs, name }) => {
  // A node that was heard of since has joined anew, with a certificate of after the revocation.
  if (!revocation || (heardMs ?? 0) > revocation.cutoffMs + SILENT_MS) return undefined;
  const reason = revocation.reason === undefined ? "" : ` ("${revocation.reason}")`;
  return {
    code: "WHY_NODE_REVOKED",
    found: `the node was revoked${reason}, so CloudCore does not let it in; what runs there goes on`,
    advice: `To let it in again: \`skerry token --node ${name} > edgecore.yaml\` here, \`skerry join edgecore.yaml\` there.`,
  };
};

const cloudProcesses: Rule<NodeFacts> = ({ cloud }) =>
  cloud.some(({ isRunning }) => isRunning) ? undefined : cloud.map(cloudProcess)[0];

const cloudProcess: Rule<ProcessFacts> = ({ name, isRunning, reason }) =>
  isRunning
    ? undefined
    : {
        code: "WHY_CLOUD_PROCESS",
        found: `${name} does not run: ${reason}; what runs on the nodes goes on`,
        advice: `Look at its log in .skerry/logs (${name.replaceAll(" ", "")}.log); \`skerry status\` shows all parts.`,
      };

const processes: Rule<NodeFacts> = ({ local, name }) => {
  const stopped = local?.processes.find(({ isRunning }) => !isRunning);
  if (!stopped) return undefined;
  return {
    code: "WHY_NODE_PROCESS",
    found: `${stopped.name} does not run: ${stopped.reason}`,
    advice: `Look at its log in .skerry/logs (${stopped.name.replaceAll(" ", "-")}.log); \`skerry status\` shows all parts of ${name}.`,
  };
};

const certificate: Rule<NodeFacts> = ({ local, name, nowMs }) => {
  const endsMs = local?.certificateEndsMs;
  if (endsMs === undefined || endsMs > nowMs) return undefined;
  return {
    code: "WHY_NODE_CERTIFICATE_EXPIRED",
    found: `the node's certificate ended ${humanDuration(nowMs - endsMs)} ago, so CloudCore refuses the node`,
    advice: `Set the machine's clock right if it is wrong. Else enrol the node anew: remove its certificates folder, put a fresh token (\`skerry token --node ${name}\`) into edgecore.yaml and start EdgeCore.`,
  };
};

/** A node's own times come from its own clock; the lease of a Skerry session from CloudCore's. */
const clock: Rule<NodeFacts> = ({ node, nowMs, heardMs }) => {
  const heartbeatMs = Date.parse(conditionOf(node, "Ready")?.lastHeartbeatTime ?? "");
  if (Number.isNaN(heartbeatMs)) return undefined;
  const aheadMs = heartbeatMs - nowMs;
  const isAhead = aheadMs > CLOCK_SKEW_MS;
  const isBehind = heardMs !== undefined && nowMs - heardMs < SILENT_MS && heardMs - heartbeatMs > STALE_STATUS_MS;
  if (!isAhead && !isBehind) return undefined;
  return {
    code: "WHY_NODE_CLOCK",
    found: `the node's clock is ${humanDuration(Math.abs(aheadMs))} ${isAhead ? "ahead" : "behind"}`,
    advice:
      "Set the node's clock (`timedatectl set-ntp true`, or `date -s …` without a network); certificates, tokens and the times in logs depend on it.",
  };
};

const cable: Rule<NodeFacts> = ({ local, name }) =>
  local?.isLinkCut
    ? {
        code: "WHY_NODE_CUT",
        found: "the cable is pulled: `skerry link cut` holds; what runs on the node goes on",
        advice: `\`skerry link restore ${name}\` plugs it in again.`,
      }
    : undefined;

const heard: Rule<NodeFacts> = ({ node, heardMs, nowMs }) => {
  const ready = conditionOf(node, "Ready");
  const isSilent = heardMs !== undefined && nowMs - heardMs > SILENT_MS;
  if (ready?.status !== "Unknown" && !isSilent) return undefined;
  const since = heardMs === undefined ? "" : ` for ${humanDuration(nowMs - heardMs)}`;
  return {
    code: "WHY_NODE_OFFLINE",
    found: `the cloud has not heard of the node${since}; what runs there goes on`,
    advice:
      "Check the machine's power and network, that it reaches CloudCore's ports 10000 and 10002, and on the machine `skerry doctor` and EdgeCore's log.",
  };
};

const runtime: Rule<NodeFacts> = ({ node }) => {
  const ready = conditionOf(node, "Ready");
  if (ready?.status === "True") return undefined;
  const message = ready?.message ?? "it says nothing";
  if (/\bcni\b|network (is )?not ready|network plugin|NetworkPluginNotReady/i.test(message))
    return {
      code: "WHY_NODE_NO_CNI",
      found: `the node has no network for pods: ${message}`,
      advice:
        "Put a CNI configuration into /etc/cni/net.d and the plugins into /opt/cni/bin (`skerry up` and `skerry join` bring their own).",
    };
  return {
    code: "WHY_NODE_NOT_READY",
    found: `the node cannot run pods: ${message}`,
    advice: "Check that the container runtime (containerd) runs on the node and look at its log.",
  };
};

const pressures = [
  [
    "DiskPressure",
    "WHY_NODE_DISK_FULL",
    "the node's disk is nearly full, so no new container can start",
    "Free some space on the node: old images (`crictl rmi --prune`), logs, files of the apps.",
  ],
  [
    "MemoryPressure",
    "WHY_NODE_MEMORY_FULL",
    "the node's memory is nearly used up",
    "End or limit what uses it: `kubectl top pod -A --sort-by=memory`.",
  ],
  [
    "PIDPressure",
    "WHY_NODE_PROCESSES_FULL",
    "the node has nearly as many processes as it can have",
    "Find what starts so many: `ps -e --forest` on the node.",
  ],
] as const;

const pressure: Rule<NodeFacts> = ({ node }) => {
  for (const [type, code, found, advice] of pressures)
    if (conditionOf(node, type)?.status === "True") return { code, found, advice };
  return undefined;
};

/** Seen on the machine itself; on a full disk the node's processes may end, so it comes before them. */
const disk: Rule<NodeFacts> = ({ local }) => {
  const [[, code, , advice]] = pressures;
  if ((local?.diskFreeShare ?? 1) >= DISK_FREE_SHARE) return undefined;
  return { code, found: "the node's disk is full: nothing can be stored there", advice };
};

const schedulable: Rule<NodeFacts> = ({ node, name }) =>
  node?.spec?.unschedulable
    ? {
        code: "WHY_NODE_CORDONED",
        found: "the node takes no new pods: it is cordoned; what runs there goes on",
        advice: `\`kubectl uncordon ${name}\``,
      }
    : undefined;

/** Whether the node can run what it has: the chain without its last link, which concerns new pods only. */
const working: readonly Link<NodeFacts>[] = [
  { title: "registered", whole: () => "the cloud knows the node", rules: [registered, revoked] },
  {
    title: "machine",
    whole: ({ local }) =>
      local
        ? "its processes run, certificate and clock are good"
        : "its clock is right, as far as can be seen from here",
    rules: [disk, certificate, clock, processes],
  },
  {
    title: "link",
    whole: ({ heardMs, nowMs }) =>
      heardMs === undefined ? "connected" : `connected, heard of ${humanDuration(Math.max(0, nowMs - heardMs))} ago`,
    rules: [cloudProcesses, cable, heard],
  },
  { title: "can run pods", whole: () => "runtime and pod network are ready", rules: [runtime] },
  { title: "has room", whole: () => "disk, memory and processes suffice", rules: [pressure] },
];

/** Where the control plane is down nothing else can be asked. */
export const cloudLinks: readonly Link<ProcessFacts>[] = [
  { title: "cloud", whole: ({ name }) => `${name} runs`, rules: [cloudProcess] },
];

/** From "it should be there" to "it takes pods". */
export const nodeLinks: readonly Link<NodeFacts>[] = [
  ...working,
  { title: "takes new pods", whole: () => "yes", rules: [schedulable] },
];

/** What is wrong with the node that a pod or device is on. */
export const onNode =
  <Facts extends { readonly node: NodeFacts | undefined }>(): Rule<Facts> =>
  ({ node }) => {
    if (!node) return undefined;
    const finding = firstFinding(
      working.flatMap(({ rules }) => rules),
      node,
    );
    return finding && { ...finding, found: `node ${node.name}: ${finding.found}` };
  };
