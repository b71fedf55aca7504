import { existsSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join as joinPath } from "node:path";
import { parseArgs } from "node:util";
import { parseEdgeCoreConfig } from "@skerry/api";
import { isNodeName, readSkerryToken } from "@skerry/pki";
import { configUnreadable, hasCloud, usageError } from "../errors.ts";
import { loadSettings, type Settings } from "../settings.ts";
import { prepareHome, type SkerryHome, skerryHome } from "../skerry-home.ts";
import type { Command } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import { runSupervisor, type StartMode } from "./run-supervisor.ts";
import { portOption, runtimeOption, subnetOption } from "./start-options.ts";

/** `skerry join FILE`. */
export const join: Command = {
  name: "join",
  summary: "make this machine an edge node of another machine's cloud",
  help: `skerry join FILE | TOKEN [--detach] [options]

Makes this machine an edge node of a cloud on another machine: with its own container runtime and MQTT broker, as \`skerry up\`
does, but without control plane and CloudCore. FILE is what \`skerry token\` printed on the cloud's machine, or an
edgecore.yaml with a token; its node name, labels, addresses and token are used. A TOKEN alone is enough too: it carries
the addresses, and the node's name if it is for one node. Runs until Ctrl-C, or in the background with --detach.
Afterwards \`skerry up\`, \`status\`, \`image load\`, \`down\` and \`reset\` are for this node.

  --detach             return when the node has joined
  --systemd            start it by a systemd unit, and again with the machine
  --node NAME          with a TOKEN for several nodes: this node's name (this machine's)
  --mqtt-port NUMBER   MQTT broker (1883)
  --pod-subnet CIDR[,CIDR]  addresses of the pods, IPv4 and IPv6 (a free 10.244.x.0/24, and an IPv6 range where the
                       machine has IPv6)
  --runtime NAME       what runs containers: containerd (needs root), process (needs nothing), or auto (auto)

Example:
  skerry join edgecore.yaml --detach
  skerry join "$TOKEN" --node sensor-7
`,
  async run(parameters) {
    const { values, positionals } = parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        detach: { type: "boolean" },
        systemd: { type: "boolean" },
        node: { type: "string" },
        "mqtt-port": { type: "string" },
        "pod-subnet": { type: "string" },
        runtime: { type: "string" },
      },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw usageError("Use `skerry join FILE` or `skerry join TOKEN`");
    const joining = readJoinToken(file, values.node);
    if (!joining && values.node !== undefined)
      throw usageError("--node goes with a token; a FILE names the node itself (modules.edged.hostnameOverride)");
    return joinCloud(joining ?? (await readJoinFile(file)), {
      start: values.systemd ? "systemd" : values.detach ? "detached" : "foreground",
      mqttPort: portOption(values["mqtt-port"], "--mqtt-port"),
      podSubnet: subnetOption(values["pod-subnet"]),
      runtime: runtimeOption(values.runtime),
    });
  },
};

/** A node and the cloud that it joins. */
export type Joining = Pick<Settings, "node" | "nodeLabels" | "cloud">;

/**
 * Runs this machine's node of another machine's cloud. Resolves with the exit code. Throws SKERRY_HAS_CLOUD and what
 * `runSupervisor` throws.
 */
export async function joinCloud(
  joining: Joining,
  options: {
    readonly start: StartMode;
    readonly mqttPort?: number | undefined;
    readonly podSubnet?: string | undefined;
    readonly runtime?: Settings["runtime"] | undefined;
  },
): Promise<number> {
  const home = skerryHome();
  prepareHome(home);
  if (existsSync(home.controlPlane)) throw hasCloud(home.folder);
  const before = loadSettings(home);
  const settings: Settings = {
    ...before,
    ...joining,
    examples: false,
    mqttPort: options.mqttPort ?? before.mqttPort,
    podSubnet: options.podSubnet ?? before.podSubnet,
    runtime: options.runtime ?? before.runtime,
  };
  forgetUpdatesOfAnotherCloud(home, before, settings);
  return runSupervisor(home, settings, options.start);
}

/** What another cloud's jobs have changed of the node's configuration is not for this one. */
export function forgetUpdatesOfAnotherCloud(home: SkerryHome, before: Settings, now: Settings): void {
  if (now.node === undefined || before.cloud?.cloudHub === now.cloud?.cloudHub) return;
  rmSync(joinPath(home.nodeFolder(now.node), "edgecore.updates.json"), { force: true });
}

/** The node and its cloud, of a token; undefined when the text is none. Throws SKERRY_USAGE. */
export function readJoinToken(text: string, name: string | undefined): Joining | undefined {
  const read = readSkerryToken(text);
  if (!read) return undefined;
  const { nodeName, cloudHub, cloudHttps, cloudTunnel } = read.facts;
  if (name !== undefined && nodeName !== undefined && name !== nodeName)
    throw usageError(`The token is for the node ${nodeName}, not for ${name}`);
  const node = name ?? nodeName ?? hostname().toLowerCase();
  if (!isNodeName(node)) throw usageError(`${JSON.stringify(node)} cannot be a node's name; give one with --node`);
  const cloud = { cloudHub, cloudHttps, ...(cloudTunnel === undefined ? {} : { cloudTunnel }), token: text.trim() };
  return { node, nodeLabels: {}, cloud };
}

/** The node and its cloud, of an edgecore.yaml. Throws SKERRY_CONFIG_UNREADABLE and what EdgeCore's own reading throws. */
export async function readJoinFile(file: string): Promise<Joining> {
  const { config } = parseEdgeCoreConfig(await readConfigFile(file));
  const node = config.nodeName || hostname().toLowerCase();
  if (!isNodeName(node)) throw configUnreadable(file, `${JSON.stringify(node)} cannot be a node's name`);
  const { servers, httpServer, token } = config.edgeHub;
  const [cloudHub] = servers;
  if (cloudHub === undefined || token === "")
    throw configUnreadable(file, "it has no token; `skerry token` on the cloud's machine prints one that has");
  const { enabled, servers: [cloudTunnel] = [] } = config.edgeStream;
  const cloudHttps = httpServer.replace(/^https:\/\//, "");
  const { nodeLabels } = config.edged;
  return {
    node,
    nodeLabels,
    cloud: { cloudHub, cloudHttps, ...(enabled && cloudTunnel ? { cloudTunnel } : {}), token },
  };
}
