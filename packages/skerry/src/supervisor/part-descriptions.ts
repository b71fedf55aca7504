import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { ProcessRuntimeOptions } from "@skerry/edgecore/platform";
import { busyNode, type NodeOptions, serverNode, smallNode } from "../node-options.ts";
import type { PreparedContainers } from "../nodecontainers/node-containers.ts";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import type { CommonParts } from "../systemparts/system-parts.ts";
import { cloudAddress } from "./component-configs.ts";
import { cloudCoreSocketPath } from "./control-channel.ts";
import type { PartDescription } from "./supervised-process.ts";

/**
 * The command line that runs `skerry <entry> …` with this same Node.js and program, in the part's own way. In a clone
 * without that: Node.js reads TypeScript with WebAssembly, which small parts do without.
 */
export function ownCommand(entry: readonly string[], { options }: NodeOptions): readonly string[] {
  const program = process.argv[1] ?? "";
  const known = new Set([...smallNode.options, ...busyNode.options, ...serverNode.options]);
  const inherited = process.execArgv.filter((option) => !known.has(option));
  return [process.execPath, ...inherited, ...(program.endsWith(".ts") ? [] : options), program, ...entry];
}

/** The embedded Kubernetes. */
export function controlPlanePart(home: SkerryHome, settings: Settings): PartDescription {
  return {
    name: "control plane",
    command: ownCommand(
      [
        "controlplane",
        ...["--data", home.controlPlane],
        ...["--address", settings.apiAddress],
        ...["--port", String(settings.apiPort)],
        ...[...new Set([cloudAddress(settings), settings.nodeAddress])].flatMap((name) => ["--advertise", name]),
        ...["--kubeconfig", home.kubeconfig],
        ...["--kubelet-endpoint", `127.0.0.1:${settings.streamPort}`],
      ],
      serverNode,
    ),
    environment: serverNode.environment,
    logPath: join(home.logs, "controlplane.log"),
    readiness: { kind: "message" },
  };
}

/**
 * CloudCore, which knows Kubernetes by kubeconfig only.
 * @param number of several CloudCores, counted from 1
 */
export function cloudCorePart(home: SkerryHome, configFile: string, number: number): PartDescription {
  const suffix = number === 1 ? "" : `-${number}`;
  return {
    name: number === 1 ? "cloudcore" : `cloudcore ${number}`,
    command: ownCommand(
      [
        "cloudcore",
        ...["--config", configFile],
        ...["--control", cloudCoreSocketPath(home, number)],
        ...["--own-log", join(home.cloudCore, `log${suffix}`)],
      ],
      serverNode,
    ),
    environment: serverNode.environment,
    logPath: join(home.logs, `cloudcore${suffix}.log`),
    readiness: { kind: "message" },
  };
}

/** Pods may have so long to end, whatever edgecore.yaml gives them: less than systemd gives Skerry as a whole. */
export const LONGEST_SHUTDOWN_MS = 90_000;

/** EdgeCore of a node on this machine. */
export function edgeCorePart(home: SkerryHome, node: string, configFile: string, parts: CommonParts): PartDescription {
  const nodeOptions = process.env["SKERRY_BUSY_NODE"] === "1" ? busyNode : smallNode;
  return {
    name: `edgecore ${node}`,
    command: ownCommand(["edgecore", "--config", configFile], nodeOptions),
    environment: { ...parts.environment, ...nodeOptions.environment },
    logPath: join(home.logs, `edgecore-${node}.log`),
    readiness: { kind: "message" },
    shutdown: { signal: "SIGPWR", timeoutMs: LONGEST_SHUTDOWN_MS },
  };
}

/** The node's process runtime. */
export function processRuntimePart(
  home: SkerryHome,
  node: string,
  { folder, socketPath, busybox, slirp }: Omit<ProcessRuntimeOptions, "logger">,
): PartDescription {
  const options = [
    ...["--folder", folder, "--socket", socketPath, "--busybox", busybox],
    ...(slirp.program === undefined ? [] : ["--slirp", slirp.program]),
    ...(slirp.libraries === undefined ? [] : ["--slirp-libraries", slirp.libraries]),
  ];
  return {
    name: `process runtime ${node}`,
    command: ownCommand(["process-runtime", ...options], smallNode),
    environment: smallNode.environment,
    logPath: join(home.logs, `process-runtime-${node}.log`),
    readiness: { kind: "message" },
  };
}

/** The node's own containerd. */
export function containerdPart(home: SkerryHome, node: string, prepared: PreparedContainers): PartDescription {
  return {
    name: `containerd ${node}`,
    command: prepared.command,
    environment: prepared.environment,
    logPath: join(home.logs, `containerd-${node}.log`),
    readiness: { kind: "probe", isReady: () => socketAnswers({ path: prepared.paths.socketPath }) },
  };
}

/** The node's MQTT broker: Mosquitto, or the embedded one where it cannot be had. */
export function brokerPart(
  home: SkerryHome,
  settings: Settings,
  mosquitto: { readonly program: string; readonly configFile: string } | undefined,
  parts: CommonParts | undefined,
): PartDescription {
  const command = mosquitto
    ? [mosquitto.program, "-c", mosquitto.configFile]
    : ownCommand(["broker", "--port", String(settings.mqttPort)], smallNode);
  return {
    name: mosquitto ? "mosquitto" : "broker",
    command,
    environment: { ...parts?.environment, ...(mosquitto ? {} : smallNode.environment) },
    logPath: join(home.logs, "broker.log"),
    readiness: {
      kind: "probe",
      isReady: () => socketAnswers({ host: "127.0.0.1", port: settings.mqttPort }),
    },
  };
}

/** The virtual thermometer of the example device. */
export function thermometerPart(home: SkerryHome, settings: Settings): PartDescription {
  return {
    name: "thermometer",
    command: ownCommand(["thermometer", "--broker", `mqtt://127.0.0.1:${settings.mqttPort}`], smallNode),
    environment: smallNode.environment,
    logPath: join(home.logs, "thermometer.log"),
    readiness: { kind: "message" },
  };
}

/** Whether something accepts connections there. */
function socketAnswers(
  target: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<boolean> {
  if ("path" in target && !existsSync(target.path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
