import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { configUnreadable, notRunning, usageError } from "../errors.ts";
import { deleteFleetNodes } from "../fleet/fleet-nodes.ts";
import type { FleetState } from "../fleet/fleet-report.ts";
import { type FleetCloud, type FleetOptions, runFleet } from "../fleet/run-fleet.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { createJoinToken } from "../supervisor/cluster/create-join-token.ts";
import { cloudAddress } from "../supervisor/component-configs.ts";
import { liveHolder } from "../supervisor/home-lock.ts";
import { byteSize, duration, paint, print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { readJoinFile } from "./join.ts";
import { timeToLiveOption } from "./token-options.ts";

const MOST_NODES = 20_000;
const TOKEN_TTL_MS = 3_600_000;
/** Where the output is no terminal, a line each so many seconds is enough. */
const LINE_EVERY = 5;

/** `skerry fleet`. */
export const fleet: Command = {
  name: "fleet",
  summary: "run hollow nodes, to see how many the cloud carries",
  help: `skerry fleet --nodes N [--for TIME] [--cleanup] [-o json|jsonl] [--cloud FILE [--kubeconfig FILE]]
skerry fleet --cleanup

Runs so many hollow nodes on this machine: EdgeCore's own link and stores, each with a certificate of its own, over the
real network, but with a database in memory and a container runtime that only says that everything runs. They are told
from other nodes by the label skerry.io/fleet. It goes on until Ctrl-C and shows each second how the fleet stands. About
0.6 MB of memory a node.

  --nodes N          how many, at most ${MOST_NODES}
  --for TIME         end by itself so long after all are Ready: 30s, 10m, 2h
  --rate N           start so many a second (50)
  --protocol NAME    skerry, or kubeedge: what KubeEdge's nodes speak (skerry)
  --per-process N    nodes in one process (250)
  --timeout TIME     fail when not all are Ready after that time (10m)
  --name NAME        with which the nodes' names begin (fleet- and four letters)
  --cloud FILE       an edgecore.yaml of \`skerry token --count N --names "NAME-*"\`, for a cloud elsewhere; needs --name
  --kubeconfig FILE  of that cloud, to see which nodes are Ready there and to clean up
  --cleanup          delete the nodes' objects at the end; without --nodes: those of all fleets
  -o json            at the end a report as JSON; progress goes to standard error
  -o jsonl           a line of JSON each second, with the deliveries since then, and the report as the last

Exits 1 when not all nodes were Ready in time.

Examples:
  skerry fleet --nodes 100
  skerry fleet --nodes 2000 --for 5m --cleanup -o json > report.json
  skerry fleet --cleanup
`,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        nodes: { type: "string" },
        for: { type: "string" },
        rate: { type: "string", default: "50" },
        protocol: { type: "string", default: "skerry" },
        "per-process": { type: "string", default: "250" },
        timeout: { type: "string", default: "10m" },
        name: { type: "string" },
        cloud: { type: "string" },
        kubeconfig: { type: "string" },
        cleanup: { type: "boolean", default: false },
        output: { type: "string", short: "o" },
      },
    });
    if (values.output !== undefined && values.output !== "json" && values.output !== "jsonl")
      throw usageError(`-o knows json and jsonl, not ${JSON.stringify(values.output)}`);
    if (values.nodes === undefined && !values.cleanup) throw usageError("Use `skerry fleet --nodes N`");
    if (values.cloud !== undefined && values.name === undefined && values.nodes !== undefined)
      throw usageError("--cloud needs --name: the token says which names it is for");
    using api = await kubernetesApi(values);
    if (values.nodes !== undefined) await run(values.nodes, values, api);
    if (values.cleanup) {
      if (!api) throw usageError("--cleanup needs --kubeconfig where the cloud is elsewhere");
      const ports = { api, clock: systemClock, random: systemRandom };
      const deleted = await deleteFleetNodes(ports, values.nodes === undefined ? undefined : values.name);
      process.stderr.write(`${deleted} Node objects are deleted.\n`);
    }
    return EXIT_OK;
  },
};

interface Values {
  readonly for?: string | undefined;
  readonly rate: string;
  readonly protocol: string;
  readonly "per-process": string;
  readonly timeout: string;
  name?: string | undefined;
  readonly cloud?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly output?: string | undefined;
}

async function run(nodes: string, values: Values, api: KubernetesApi | undefined): Promise<void> {
  values.name ??= `fleet-${randomBytes(4).toString("hex").slice(0, 4)}`;
  if (!/^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$/.test(values.name))
    throw usageError(`--name needs lower case letters, digits and "-", not ${JSON.stringify(values.name)}`);
  if (values.protocol !== "skerry" && values.protocol !== "kubeedge")
    throw usageError(`--protocol knows skerry and kubeedge, not ${JSON.stringify(values.protocol)}`);
  const options: FleetOptions = {
    name: values.name,
    nodes: numberOption("--nodes", nodes, MOST_NODES),
    nodesPerProcess: numberOption("--per-process", values["per-process"], 1_000),
    nodesPerSecond: numberOption("--rate", values.rate, 1_000),
    delivery: values.protocol,
    goOnMs: values.for === undefined ? undefined : timeOption("--for", values.for),
    joinTimeoutMs: timeOption("--timeout", values.timeout),
  };
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
  const ports = { clock: systemClock, random: systemRandom };
  const cloud = await fleetCloud(values, api);
  let seconds = 0;
  let before: FleetState | undefined;
  const report = await runFleet(
    ports,
    cloud,
    options,
    (state, deliveriesMs) => {
      if (values.output === "jsonl") return print(JSON.stringify({ ...state, deliveriesMs }));
      const line = stateLine(state, before);
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
      else if (seconds++ % LINE_EVERY === 0) process.stderr.write(`${line}\n`);
      before = state;
    },
    stop.signal,
  ).finally(() => process.stderr.isTTY && process.stderr.write("\n"));
  if (values.output === "json") print(JSON.stringify(report, null, 2));
  else if (values.output === "jsonl") print(JSON.stringify(report));
  else {
    const there = report.allReadyMs ?? report.allConnectedMs;
    if (there !== undefined)
      print(`${paint("green", "✓")} all ${report.nodes} nodes were there after ${duration(there)}`);
    print(
      `  ${byteSize(report.receivedBytes)} came down, ${byteSize(report.sentBytes)} went up, in ${duration(report.ranMs)}`,
    );
    if (report.deliveries.count > 0)
      print(
        `  ${report.deliveries.count} deliveries: median ${report.deliveries.medianMs} ms, 99 % ${report.deliveries.p99Ms} ms`,
      );
  }
}

/** The Kubernetes API of the cloud here, or of `--kubeconfig`; undefined where it is elsewhere and not known. */
async function kubernetesApi({ cloud, kubeconfig }: Values): Promise<(KubernetesApi & Disposable) | undefined> {
  if (kubeconfig !== undefined) return new HttpsKubernetesApi(await loadKubeconfig(kubeconfig));
  return cloud === undefined ? connectToCluster(skerryHome()) : undefined;
}

async function fleetCloud({ cloud: file }: Values, api: KubernetesApi | undefined): Promise<FleetCloud> {
  if (file !== undefined) {
    const { cloud } = await readJoinFile(file);
    if (!cloud) throw configUnreadable(file, "it names no cloud");
    const { cloudHub, cloudHttps, token } = cloud;
    return { cloudHub, cloudHttps, token: async () => token, api };
  }
  const home = skerryHome();
  if (!api || !liveHolder(home)) throw notRunning(home.folder);
  const settings = loadSettings(home);
  const host = cloudAddress(settings);
  const addresses = {
    cloudHub: `${host}:${settings.cloudHubPort}`,
    cloudHttps: `${host}:${settings.cloudHttpsPort}`,
  };
  const token: FleetCloud["token"] = async (scope) =>
    (await createJoinToken(api, systemClock, scope, addresses, TOKEN_TTL_MS)).token;
  return { ...addresses, token, api };
}

/** `joined 180, connected 178, Ready 171 of 200 · 1.2 kB/s down, 300 bytes/s up · 110 MB`. */
function stateLine(state: FleetState, before: FleetState | undefined): string {
  const perSecond = (now: number, then: number): string => `${byteSize(Math.max(0, now - then))}/s`;
  const ready = state.ready === undefined ? "" : `, Ready ${state.ready}`;
  const traffic = `${perSecond(state.receivedBytes, before?.receivedBytes ?? 0)} down, ${perSecond(state.sentBytes, before?.sentBytes ?? 0)} up`;
  const late = state.lateMs > 200 ? ` · ${duration(state.lateMs)} late: this machine is too slow` : "";
  const failure = state.failure === undefined ? "" : ` · ${paint("red", state.failure, process.stderr)}`;
  return `joined ${state.joined}, connected ${state.connected}${ready} of ${state.nodes} · ${traffic} · ${byteSize(state.residentBytes)}${late}${failure}`;
}

function numberOption(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw usageError(`${name} needs a number from 1 to ${most}, not ${JSON.stringify(text)}`);
  return value;
}

function timeOption(name: string, text: string): number {
  const seconds = /^(\d{1,6})s$/.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1_000;
  try {
    return timeToLiveOption(text);
  } catch {
    throw usageError(`${name} needs a time like 30s, 10m or 2h, not ${JSON.stringify(text)}`);
  }
}
