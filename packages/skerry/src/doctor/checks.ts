import { humanDuration } from "@skerry/base";
import type { Examined } from "./examined.ts";

/** What a check has found. */
export interface Diagnosis {
  /** Stable; in docs/doctor.md. */
  readonly code: string;
  readonly state: "ok" | "warning" | "problem";
  readonly found: string;
  /** What to do; empty when nothing is wrong. */
  readonly advice: string;
}

type Check = (examined: Examined) => readonly Diagnosis[];

const DAY_MS = 86_400_000;
const CLOCK_SKEW_MS = 60_000;
const RENEWAL_MS = 7 * DAY_MS;
const GIBIBYTE = 1024 ** 3;
const LEAST_MEMORY_BYTES = 128 * 1024 ** 2;
/** The first containerd whose CRI v1 has all that EdgeCore asks for. */
const LEAST_CONTAINERD = [1, 6] as const;
const LEAST_NODE = 24;
/** No clock that was ever set says an earlier time. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);

const ok = (code: string, found: string): Diagnosis => ({ code, state: "ok", found, advice: "" });
const warning = (code: string, found: string, advice: string): Diagnosis => ({ code, state: "warning", found, advice });
const problem = (code: string, found: string, advice: string): Diagnosis => ({ code, state: "problem", found, advice });

const clock: Check = ({ nowMs, clockDifferenceMs }) => {
  const code = "DOCTOR_CLOCK";
  const advice = "Set it: `timedatectl set-ntp true`, or `date -s …` without a network.";
  if (nowMs < EARLIEST_MS)
    return [problem(code, `the clock says ${new Date(nowMs).toISOString()}: it was never set`, advice)];
  if (clockDifferenceMs === undefined) return [ok(code, "the clock is set; CloudCore could not be asked for its own")];
  const amount = humanDuration(Math.abs(clockDifferenceMs));
  if (Math.abs(clockDifferenceMs) > CLOCK_SKEW_MS)
    return [
      problem(code, `the clock is ${amount} ${clockDifferenceMs > 0 ? "behind" : "ahead of"} CloudCore's`, advice),
    ];
  return [ok(code, `the clock agrees with CloudCore's within ${amount}`)];
};

const names: Check = (examined) =>
  examined.names.map(({ name, failure }) =>
    failure === undefined
      ? ok("DOCTOR_DNS", `${name} resolves`)
      : problem(
          "DOCTOR_DNS",
          `${name} does not resolve: ${failure}`,
          "Check /etc/resolv.conf, or put the name into /etc/hosts.",
        ),
  );

const ports: Check = (examined) =>
  examined.ports.map(({ what, host, port, failure }) =>
    failure === undefined
      ? ok("DOCTOR_PORT", `${what} answers at ${host}:${port}`)
      : problem(
          "DOCTOR_PORT",
          `${what} does not answer at ${host}:${port}: ${failure}`,
          "Check that it runs there and that no firewall is between.",
        ),
  );

const certificates: Check = ({ certificates: all, nowMs }) =>
  all.map(({ what, path, validity }) => {
    const code = "DOCTOR_CERTIFICATE";
    if (!validity)
      return problem(
        code,
        `${what} has no certificate at ${path}`,
        "Start it with a token: `skerry token`, `skerry join`.",
      );
    const { fromMs, untilMs } = validity;
    if (nowMs < fromMs)
      return problem(
        code,
        `the certificate of ${what} holds only from ${new Date(fromMs).toISOString()}`,
        "Set the clock right.",
      );
    if (nowMs > untilMs)
      return problem(
        code,
        `the certificate of ${what} ended ${humanDuration(nowMs - untilMs)} ago`,
        `Remove ${path}, put a fresh token into edgecore.yaml (\`skerry token --node NAME\`), and start EdgeCore.`,
      );
    const left = humanDuration(untilMs - nowMs);
    return untilMs - nowMs < RENEWAL_MS
      ? warning(
          code,
          `the certificate of ${what} ends in ${left}`,
          "It renews itself while the node is connected; see why it is not.",
        )
      : ok(code, `the certificate of ${what} holds for ${left}`);
  });

const disk: Check = ({ disk: { path, freeBytes, totalBytes, isWritable } }) => {
  const code = "DOCTOR_DISK";
  const advice = "Free some space: `skerry down`, old images (`crictl rmi --prune`), logs.";
  const free = `${(freeBytes / GIBIBYTE).toFixed(1)} GiB are free at ${path}`;
  if (!isWritable)
    return [problem(code, `${path} cannot be written to`, "Check its owner and whether it is mounted read-only.")];
  if (freeBytes < totalBytes * 0.05 || freeBytes < GIBIBYTE / 4) return [problem(code, `only ${free}`, advice)];
  if (freeBytes < totalBytes * 0.15) return [warning(code, `only ${free}`, advice)];
  return [ok(code, free)];
};

const memory: Check = ({ memoryAvailableBytes }) => {
  const code = "DOCTOR_MEMORY";
  const found = `${Math.round(memoryAvailableBytes / 1024 ** 2)} MiB of memory are available`;
  return memoryAvailableBytes < LEAST_MEMORY_BYTES
    ? [warning(code, `only ${found}`, "End what is not needed; EdgeCore needs about 70 MiB.")]
    : [ok(code, found)];
};

/** How the process runtime calls itself: it is for accounts without root. */
const PROCESS_RUNTIME = "skerry-process";

const hasProcessRuntime = (node: Examined["node"]): boolean =>
  node !== undefined && "name" in node.runtime && node.runtime.name === PROCESS_RUNTIME;

const root: Check = ({ node }) =>
  node && !node.isRoot && !hasProcessRuntime(node)
    ? [warning("DOCTOR_ROOT", "the doctor does not run as root, so it may not see all", "Run it as root.")]
    : [];

const controlGroups: Check = ({ node }) => {
  if (!node || hasProcessRuntime(node)) return [];
  const missing = Object.entries(node.controlGroups).flatMap(([name, present]) => (present ? [] : [name]));
  return missing.length > 0
    ? [
        problem(
          "DOCTOR_CGROUPS",
          `the control groups for ${missing.join(" and ")} are missing, so limits of containers have no effect`,
          "On a Raspberry Pi add cgroup_enable=memory cgroup_memory=1 to /boot/firmware/cmdline.txt and start it anew.",
        ),
      ]
    : [ok("DOCTOR_CGROUPS", "control groups for CPU and memory are there")];
};

const runtime: Check = ({ node }) => {
  if (!node) return [];
  const advice = "Check that containerd runs and that EdgeCore's configuration names its socket.";
  if ("failure" in node.runtime)
    return [problem("DOCTOR_RUNTIME", `the container runtime does not answer: ${node.runtime.failure}`, advice)];
  const { name, version, ready, message, noWayOut, limits } = node.runtime;
  const shown = `${name} ${version}`;
  if (!ready && /network|cni/i.test(message))
    return [
      ok("DOCTOR_RUNTIME", `${shown} answers`),
      problem(
        "DOCTOR_CNI",
        `pods get no network: ${message}`,
        "Put a CNI configuration into /etc/cni/net.d and the plugins into /opt/cni/bin; `skerry up` and `skerry join` bring their own.",
      ),
    ];
  if (!ready) return [problem("DOCTOR_RUNTIME", `${shown} is not ready: ${message}`, advice)];
  if (hasProcessRuntime(node))
    return [
      ok("DOCTOR_RUNTIME", `${shown} is ready: containers without an engine and without root`),
      ok(
        "DOCTOR_CGROUPS",
        limits?.cpu && limits.memory
          ? "it enforces containers' limits of CPU and memory"
          : `limits of containers are not enforced by it: ${limits?.cpu ? "memory" : limits?.memory ? "CPU" : "CPU and memory"}`,
      ),
      ok(
        "DOCTOR_CNI",
        noWayOut === undefined
          ? "pods are reached from this machine, and reach what it reaches"
          : `pods are reached from this machine; what has to reach others needs hostNetwork: ${noWayOut}`,
      ),
    ];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = LEAST_CONTAINERD;
  if (name === "containerd" && (major < leastMajor || (major === leastMajor && minor < leastMinor)))
    return [
      problem("DOCTOR_VERSION", `${shown} is too old`, `Install containerd ${LEAST_CONTAINERD.join(".")} or newer.`),
    ];
  return [ok("DOCTOR_RUNTIME", `${shown} is ready`), ok("DOCTOR_CNI", "pods get a network")];
};

const nodeVersion: Check = ({ nodeVersion: version }) =>
  Number(version.split(".")[0]) >= LEAST_NODE
    ? [ok("DOCTOR_VERSION", `Node.js ${version}`)]
    : [
        problem(
          "DOCTOR_VERSION",
          `Node.js ${version} is too old`,
          `Install Node.js ${LEAST_NODE}; \`npm install\` brings it along.`,
        ),
      ];

const processes: Check = ({ processes: all, isSupervised }) => {
  const code = "DOCTOR_PROCESS";
  if (!isSupervised)
    return [
      warning(
        code,
        "Skerry's supervisor does not run here",
        "`skerry up` starts it; without it look at the services yourself.",
      ),
    ];
  const stopped = all.filter(({ isRunning }) => !isRunning);
  if (stopped.length === 0) return [ok(code, `all ${all.length} parts run`)];
  return stopped.map(({ name, reason }) =>
    problem(code, `${name} does not run: ${reason}`, "Look at its log in .skerry/logs; it is started again by itself."),
  );
};

/** All checks, in the order in which what they look at depends on each other. */
export const checks: readonly Check[] = [
  nodeVersion,
  root,
  clock,
  disk,
  memory,
  controlGroups,
  runtime,
  names,
  ports,
  certificates,
  processes,
];

/** What all checks say of the machine. */
export function diagnose(examined: Examined): Diagnosis[] {
  return checks.flatMap((check) => check(examined));
}
