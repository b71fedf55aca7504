import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { isNodeName } from "@skerry/pki";
import { stringify } from "yaml";
import { notRunning, usageError } from "../errors.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { joinToken } from "../supervisor/cluster/join-token.ts";
import { cloudAddress, edgeCoreConfig } from "../supervisor/component-configs.ts";
import { liveHolder } from "../supervisor/home-lock.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry token`. */
export const token: Command = {
  name: "token",
  summary: "print a join token and an edgecore.yaml for another machine",
  help: `skerry token [--node NAME] [-o json]

Prints a join token, good for a day, and an edgecore.yaml with which another machine joins as an edge node:
\`skerry join edgecore.yaml\` there.

  --node NAME  the new node's name (edge-node-2)
  -o json      only the token and the addresses, as JSON

Examples:
  skerry token > edgecore.yaml
  skerry token -o json
`,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: { node: { type: "string" }, output: { type: "string", short: "o" } },
    });
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const node = values.node ?? "edge-node-2";
    if (!isNodeName(node))
      throw usageError(
        `--node needs a name of lower case letters, digits, "-" and ".", at most 253 long, not ${JSON.stringify(node)}`,
      );
    const home = skerryHome();
    if (!liveHolder(home)) throw notRunning(home.folder);
    const settings = loadSettings(home);
    using cluster = await connectToCluster(home);
    const text = await joinToken(cluster, systemClock);
    const cloudHub = `${cloudAddress(settings)}:${settings.cloudHubPort}`;
    const cloudHttps = `${cloudAddress(settings)}:${settings.cloudHttpsPort}`;
    if (values.output === "json") {
      print(JSON.stringify({ token: text, websocket: cloudHub, https: `https://${cloudHttps}` }, null, 2));
      return EXIT_OK;
    }
    const config = edgeCoreConfig({
      node,
      nodeLabels: {},
      nodeFolder: "/var/lib/skerry",
      nodeAddress: undefined,
      containerRuntimeSocket: "/run/containerd/containerd.sock",
      cloudHub,
      cloudHttps,
      cloudTunnel: `${cloudAddress(settings)}:${settings.tunnelPort}`,
      mqttServer: "tcp://127.0.0.1:1883",
      token: text,
    });
    print(`# token: ${text}`);
    print("# Save this as edgecore.yaml on the other machine, and run there as root: skerry join edgecore.yaml");
    print("# Where a containerd with a pod network runs already: edgecore --config edgecore.yaml");
    process.stdout.write(stringify(config));
    return EXIT_OK;
  },
};
