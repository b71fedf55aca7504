import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { isNodeName } from "@skerry/pki";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { joinToken } from "../supervisor/cluster/join-token.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { reset } from "./down.ts";
import { type Joining, joinCloud } from "./join.ts";
import { portOption } from "./start-options.ts";

/** `keadm`, alone or as `skerry keadm`: KubeEdge's commands for those who know them, on the same code. */
export const keadm: Command = {
  name: "keadm",
  summary: "KubeEdge's gettoken, join and reset",
  help: `keadm gettoken [--kube-config FILE]
keadm join -e HOST:PORT -t TOKEN [options]
keadm reset [--force]

KubeEdge's commands, done by Skerry: \`gettoken\` prints the join token, \`join\` is \`skerry join --detach\` with flags
instead of a file, \`reset\` is \`skerry reset\`. State is in .skerry/ of the current folder, or in SKERRY_HOME.

  -e, --cloudcore-ipport HOST:PORT   CloudHub's WebSocket
  -t, --token TOKEN                  what \`keadm gettoken\` printed
  -i, --edgenode-name NAME           the node's name (this machine's)
  -s, --certport NUMBER              CloudHub's HTTPS port (10002)
  -l, --labels KEY=VALUE,…           labels of the node
      --force                        reset: do not ask
      --kube-config FILE             gettoken: the cloud's kubeconfig (Skerry's own)

--kubeedge-version, --cgroupdriver, --image-repository, --certPath, --tarballpath: accepted, without meaning here.

Example:
  keadm join -e 192.0.2.7:10000 -t "$TOKEN" -i edge-node-2
`,
  internal: true,
  async run([action, ...parameters]) {
    switch (action) {
      case "gettoken":
        return getToken(parameters);
      case "join": {
        const { joining, meaningless } = joinFlags(parameters, hostname().toLowerCase());
        for (const flag of meaningless) process.stderr.write(`--${flag} has no meaning for Skerry and is ignored.\n`);
        return joinCloud(joining, { detach: true });
      }
      case "reset":
        return resetNode(parameters);
      default:
        throw usageError(`keadm knows gettoken, join and reset, not ${JSON.stringify(action ?? "")}`);
    }
  },
};

async function getToken(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...parameters], options: { "kube-config": { type: "string" } } });
  const file = values["kube-config"];
  using api =
    file === undefined ? await connectToCluster(skerryHome()) : new HttpsKubernetesApi(await loadKubeconfig(file));
  print(await joinToken(api, systemClock));
  return EXIT_OK;
}

async function resetNode(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true, // `reset edge` and `reset cloud`: here both are what the home folder has.
    options: { force: { type: "boolean" }, "kube-config": { type: "string" } },
  });
  if (positionals.length > 1 || !["edge", "cloud"].includes(positionals[0] ?? "edge"))
    throw usageError(`keadm reset knows edge and cloud, not ${JSON.stringify(positionals.join(" "))}`);
  return reset.run(values.force ? ["--yes"] : []);
}

/** Flags of KubeEdge that Skerry has no use for. */
const MEANINGLESS = ["kubeedge-version", "cgroupdriver", "image-repository", "certPath", "tarballpath"] as const;

/** KubeEdge's keadm has no flag for it either. */
const TUNNEL_PORT = 10004;

/** What the flags of `keadm join` say. Throws SKERRY_USAGE. */
export function joinFlags(
  parameters: readonly string[],
  ownName: string,
): { readonly joining: Joining; readonly meaningless: readonly string[] } {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      "cloudcore-ipport": { ...text, short: "e" },
      token: { ...text, short: "t" },
      "edgenode-name": { ...text, short: "i" },
      certport: { ...text, short: "s" },
      labels: { ...text, short: "l", multiple: true },
      "hub-protocol": text,
      "remote-runtime-endpoint": { ...text, short: "p" },
      ...Object.fromEntries(MEANINGLESS.map((flag) => [flag, text])),
    },
  });
  const address = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(values["cloudcore-ipport"] ?? "");
  if (!address) throw usageError("-e needs CloudHub's address as HOST:PORT, for instance -e 192.0.2.7:10000");
  const [cloudHub, host] = address;
  if (!values.token) throw usageError("-t needs the token that `keadm gettoken` prints on the cloud's machine");
  if (values["hub-protocol"] !== undefined && values["hub-protocol"] !== "websocket")
    throw usageError(`--hub-protocol knows websocket, not ${JSON.stringify(values["hub-protocol"])}`);
  if (values["remote-runtime-endpoint"] !== undefined)
    throw usageError("Skerry brings its own containerd; for another one use `skerry token` and `edgecore --config`");
  const node = values["edgenode-name"] ?? ownName;
  if (!isNodeName(node)) throw usageError(`-i needs a node's name, not ${JSON.stringify(node)}`);
  const httpsPort = portOption(values.certport, "--certport") ?? 10002;
  return {
    joining: {
      node,
      nodeLabels: labelsOf(values.labels ?? []),
      cloud: {
        cloudHub,
        cloudHttps: `${host}:${httpsPort}`,
        cloudTunnel: `${host}:${TUNNEL_PORT}`,
        token: values.token,
      },
    },
    meaningless: MEANINGLESS.filter((flag) => flag in values),
  };
}

function labelsOf(lists: readonly string[]): Record<string, string> {
  const pairs = lists.flatMap((list) => list.split(",")).map((pair) => /^([^=\s]+)=([^=\s]*)$/.exec(pair));
  return Object.fromEntries(
    pairs.map((match) => {
      if (!match) throw usageError("-l needs labels as KEY=VALUE,KEY=VALUE");
      return [match[1] ?? "", match[2] ?? ""];
    }),
  );
}
