import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { capacityOf, type JoinTokenRecord, JoinTokenRecords, type JoinTokenScope, stateOf } from "@skerry/cloudcore";
import { systemPki } from "@skerry/pki/platform";
import { stringify } from "yaml";
import { notRunning, usageError } from "../errors.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { createJoinToken } from "../supervisor/cluster/create-join-token.ts";
import { cloudAddress, edgeCoreConfig } from "../supervisor/component-configs.ts";
import { liveHolder } from "../supervisor/home-lock.ts";
import { paint, print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { scopeOption, timeToLiveOption } from "./token-options.ts";

/** `skerry token`. */
export const token: Command = {
  name: "token",
  summary: "make, list and revoke join tokens for other machines",
  help: `skerry token [create] [--node NAME | --count N [--names PATTERN]] [--ttl TIME] [-o json]
skerry token list [-o json]
skerry token revoke ID

create makes a join token and prints an edgecore.yaml with it, with which another machine joins as an edge node:
\`skerry join edgecore.yaml\` there, or \`skerry join TOKEN\`. A token is for one node, which uses it up, or for so many
new ones. The cloud keeps a hash of it, nothing else: it is shown only now.

  --node NAME      the one node that the token is for (edge-node-2)
  --count N        instead: a token for so many new nodes, each with a name that no node has yet
  --names PATTERN  only for names like this, for instance "sensor-*"
  --ttl TIME       how long it is good: 30m, 12h, 7d (24h)
  -o json          only the token, its id and the addresses, as JSON

list shows the tokens, what has become of them and who enrolled; revoke makes one worthless at once. Nodes that enrolled
with it stay: \`skerry node revoke\` is for those.

Examples:
  skerry token > edgecore.yaml
  skerry token --node pump-7 --ttl 2h -o json
  skerry token --count 50 --names "sensor-*"
  skerry token list
`,
  async run(parameters) {
    const [action = "", ...rest] = parameters;
    if (action === "list") return list(rest);
    if (action === "revoke") return revoke(rest);
    return create(action === "create" ? rest : parameters);
  },
};

async function create(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      node: { type: "string" },
      count: { type: "string" },
      names: { type: "string" },
      ttl: { type: "string" },
      output: { type: "string", short: "o" },
    },
  });
  requireJson(values.output);
  const scope = scopeOption(values);
  const validForMs = timeToLiveOption(values.ttl);
  const home = skerryHome();
  if (!liveHolder(home)) throw notRunning(home.folder);
  const settings = loadSettings(home);
  using cluster = await connectToCluster(home);
  const host = cloudAddress(settings);
  const addresses = {
    cloudHub: `${host}:${settings.cloudHubPort}`,
    cloudHttps: `${host}:${settings.cloudHttpsPort}`,
    cloudTunnel: `${host}:${settings.tunnelPort}`,
  };
  const made = await createJoinToken(cluster, systemClock, scope, addresses, validForMs);
  if (values.output === "json") {
    const { id, expiresAtMs } = made.record;
    const facts = { token: made.token, id, expiresAt: timeText(expiresAtMs), ...forJson(scope) };
    print(
      JSON.stringify({ ...facts, websocket: addresses.cloudHub, https: `https://${addresses.cloudHttps}` }, null, 2),
    );
    return EXIT_OK;
  }
  const config = edgeCoreConfig({
    node: scope.kind === "node" ? scope.nodeName : undefined,
    nodeLabels: {},
    nodeFolder: "/var/lib/skerry",
    nodeAddress: undefined,
    containerRuntimeSocket: "/run/containerd/containerd.sock",
    ...addresses,
    mqttServer: "tcp://127.0.0.1:1883",
    token: made.token,
  });
  print(`# token ${made.record.id}, for ${describeScope(scope)}, until ${timeText(made.record.expiresAtMs)}:`);
  print(`# token: ${made.token}`);
  print("# Save this as edgecore.yaml on the other machine, and run there as root: skerry join edgecore.yaml");
  print("# Where a containerd with a pod network runs already: edgecore --config edgecore.yaml");
  process.stdout.write(stringify(config));
  return EXIT_OK;
}

async function list(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...parameters], options: { output: { type: "string", short: "o" } } });
  requireJson(values.output);
  using cluster = await connectToCluster(skerryHome());
  const records = await new JoinTokenRecords(cluster, systemPki).list();
  const nowMs = systemClock.now();
  if (values.output === "json")
    print(
      JSON.stringify(
        records.map((record) => recordForJson(record, nowMs)),
        null,
        2,
      ),
    );
  else printTable(records, nowMs);
  return EXIT_OK;
}

async function revoke(parameters: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...parameters], allowPositionals: true, options: {} });
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw usageError("Use `skerry token revoke ID`; `skerry token list` has it");
  if (!/^[a-z2-7]{10}$/.test(id))
    throw usageError(`${JSON.stringify(id)} is no token's id; \`skerry token list\` has it`);
  using cluster = await connectToCluster(skerryHome());
  await new JoinTokenRecords(cluster, systemPki).revoke(id, systemClock.now());
  print(`The join token ${id} is revoked.`);
  return EXIT_OK;
}

function printTable(records: readonly JoinTokenRecord[], nowMs: number): void {
  if (records.length === 0) {
    print("There are no join tokens. `skerry token` makes one.");
    return;
  }
  print(paint("bold", `${"ID".padEnd(12)}${"STATE".padEnd(10)}${"USED".padEnd(10)}${"UNTIL".padEnd(22)}FOR`));
  for (const record of records) {
    const used = `${record.uses.length}/${capacityOf(record.scope)}`;
    const until = timeText(record.expiresAtMs);
    const state = stateOf(record, nowMs);
    print(
      `${record.id.padEnd(12)}${state.padEnd(10)}${used.padEnd(10)}${until.padEnd(22)}${describeScope(record.scope)}`,
    );
  }
}

function recordForJson(record: JoinTokenRecord, nowMs: number): object {
  return {
    id: record.id,
    state: stateOf(record, nowMs),
    ...forJson(record.scope),
    createdAt: timeText(record.createdAtMs),
    expiresAt: timeText(record.expiresAtMs),
    ...(record.revokedAtMs === undefined ? {} : { revokedAt: timeText(record.revokedAtMs) }),
    uses: record.uses.map(({ nodeName, atMs }) => ({ node: nodeName, at: timeText(atMs) })),
  };
}

function forJson(scope: JoinTokenScope): object {
  if (scope.kind === "node") return { node: scope.nodeName };
  return { count: scope.count, ...(scope.namePattern === undefined ? {} : { names: scope.namePattern }) };
}

function describeScope(scope: JoinTokenScope): string {
  if (scope.kind === "node") return `node ${scope.nodeName}`;
  return `${scope.count} new nodes${scope.namePattern === undefined ? "" : ` named ${scope.namePattern}`}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, "Z");
}

function requireJson(output: string | undefined): void {
  if (output !== undefined && output !== "json") throw usageError(`-o knows json, not ${JSON.stringify(output)}`);
}
