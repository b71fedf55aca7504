import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { usageError } from "../../errors.ts";
import { skerryHome } from "../../skerry-home.ts";
import { connectToCluster } from "../../supervisor/cluster/connect.ts";
import { joinToken } from "../../supervisor/cluster/join-token.ts";
import { print } from "../../terminal.ts";
import { type Command, EXIT_OK } from "../command.ts";
import { reset } from "../down.ts";
import { joinCloud } from "../join.ts";
import { init } from "./init.ts";
import { joinFlags } from "./join-flags.ts";
import { checkJoin, requireNoErrors } from "./preflight.ts";

/** `keadm`, alone or as `skerry keadm`: KubeEdge's commands for those who know them, on the same code. */
export const keadm: Command = {
  name: "keadm",
  summary: "KubeEdge's init, gettoken, join and reset",
  help: `keadm init [--advertise-address LIST] [--kube-config FILE] [--systemd] [--dry-run]
keadm gettoken [--kube-config FILE]
keadm join -e HOST:PORT -t TOKEN [options] [--systemd]
keadm reset [--force]

KubeEdge's commands, done by Skerry. \`init\` starts the cloud side in the background: with the built-in Kubernetes, or
CloudCore alone for the Kubernetes of --kube-config. \`gettoken\` prints the join token, \`join\` makes this machine an
edge node, \`reset\` stops everything and deletes its state. Each can be run again: what is done already is left alone.
State is in .skerry/ of the current folder, or in SKERRY_HOME.

  -e, --cloudcore-ipport HOST:PORT   join: CloudHub's WebSocket
  -t, --token TOKEN                  join: what \`keadm gettoken\` or \`skerry token\` printed
  -i, --edgenode-name NAME           join: the node's name (this machine's)
  -s, --certport NUMBER              join: CloudHub's HTTPS port (10002)
  -l, --labels KEY=VALUE,…           join: labels of the node
      --advertise-address LIST       init: addresses and names, joined by commas, at which nodes reach the cloud;
                                     join tokens carry the first
      --kube-config FILE             init: the Kubernetes to work for; gettoken: the one to ask (Skerry's own)
      --systemd                      init, join: start by a systemd unit, and again with the machine
      --dry-run                      init: only show the settings, and with --systemd the unit
      --skip-preflight-checks        init, join: start whatever the checks would find
      --force                        init: as --skip-preflight-checks; reset: do not ask

--kubeedge-version, --cgroupdriver, --image-repository, --certPath, --tarballpath, --manifests, --files, --profile, --set,
--external-helm-root: accepted, without meaning here.

Examples:
  keadm init --advertise-address 192.0.2.7,cloud.example.com --systemd
  keadm join -e 192.0.2.7:10000 -t "$TOKEN" -i edge-node-2
`,
  internal: true,
  async run([action, ...parameters]) {
    switch (action) {
      case "init":
        return init(parameters);
      case "gettoken":
        return getToken(parameters);
      case "join":
        return join(parameters);
      case "reset":
        return resetNode(parameters);
      default:
        throw usageError(`keadm knows init, gettoken, join and reset, not ${JSON.stringify(action ?? "")}`);
    }
  },
};

async function join(parameters: readonly string[]): Promise<number> {
  const { joining, systemd, skipsPreflight, meaningless } = joinFlags(parameters, hostname().toLowerCase());
  for (const flag of meaningless) process.stderr.write(`--${flag} has no meaning for Skerry and is ignored.\n`);
  if (!skipsPreflight) requireNoErrors(await checkJoin(joining, systemClock));
  return joinCloud(joining, { start: systemd ? "systemd" : "detached" });
}

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
