import { parseArgs } from "node:util";
import { type KubernetesObject, nodes } from "@skerry/api";
import { systemClock } from "@skerry/base/platform";
import { listRevocations, type NodeRevocation, revokeNode } from "@skerry/cloudcore";
import { isNodeName } from "@skerry/pki";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { paint, print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry node`. */
export const node: Command = {
  name: "node",
  summary: "list edge nodes, put one out",
  help: `skerry node list [-o json]
skerry node revoke NAME [--reason TEXT]

list shows the edge nodes, and which were revoked. revoke puts a node out, for instance a stolen one: its connections end
within seconds, its certificate and the tokens made for it until now are worthless on every port. What runs on the
machine itself goes on. To let it in again: \`skerry token --node NAME\` here, and \`skerry join\` there.

  --reason TEXT  kept with the revocation, at most 200 characters
  -o json        as JSON

Examples:
  skerry node list
  skerry node revoke pump-7 --reason "stolen from the harbour"
`,
  async run([action, ...parameters]) {
    if (action === "list") return list(parameters);
    if (action === "revoke") return revoke(parameters);
    throw usageError(`skerry node knows list and revoke, not ${JSON.stringify(action ?? "")}`);
  },
};

async function revoke(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: { reason: { type: "string" } },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usageError("Use `skerry node revoke NAME`");
  if (!isNodeName(name)) throw usageError(`${JSON.stringify(name)} cannot be a node's name`);
  using cluster = await connectToCluster(skerryHome());
  // A node that never registered can be put out as well: it may have a certificate.
  await revokeNode(cluster, name, { nowMs: systemClock.now(), reason: values.reason });
  print(`The node ${name} is revoked. To let it in again: \`skerry token --node ${name}\``);
  return EXIT_OK;
}

/** An edge node in the list. */
interface ListedNode {
  readonly name: string;
  readonly state: string;
  readonly revocation: NodeRevocation | undefined;
}

async function list(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...parameters], options: { output: { type: "string", short: "o" } } });
  if (values.output !== undefined && values.output !== "json")
    throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
  using cluster = await connectToCluster(skerryHome());
  const [registered, revocations] = await Promise.all([
    cluster.list<KubernetesObject>({ resource: nodes }, { labelSelector: "node-role.kubernetes.io/edge" }),
    listRevocations(cluster),
  ]);
  const listed = listedNodes(registered.items, revocations);
  if (values.output === "json") print(JSON.stringify(listed.map(forJson), null, 2));
  else if (listed.length === 0) print("There are no edge nodes. `skerry token` makes a token for one.");
  else {
    print(paint("bold", `${"NAME".padEnd(32)}${"STATE".padEnd(16)}TRUST`));
    for (const each of listed) print(`${each.name.padEnd(32)}${each.state.padEnd(16)}${trustText(each.revocation)}`);
  }
  return EXIT_OK;
}

/** The registered nodes, and the revoked ones that are not registered; by name. */
export function listedNodes(
  registered: readonly KubernetesObject[],
  revocations: readonly NodeRevocation[],
): readonly ListedNode[] {
  const byName = new Map(revocations.map((revocation) => [revocation.nodeName, revocation]));
  const listed = registered.map((object): ListedNode => {
    const name = object.metadata.name ?? "";
    return { name, state: stateOf(object), revocation: byName.get(name) };
  });
  const names = new Set(listed.map(({ name }) => name));
  for (const revocation of revocations)
    if (!names.has(revocation.nodeName))
      listed.push({ name: revocation.nodeName, state: "not registered", revocation });
  return listed.sort((left, right) => (left.name < right.name ? -1 : 1));
}

interface NodeStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

function stateOf(object: KubernetesObject): string {
  const { status } = object as KubernetesObject & { readonly status?: NodeStatus };
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True")
    ? "Ready"
    : "NotReady";
}

function trustText(revocation: NodeRevocation | undefined): string {
  if (!revocation) return "good";
  return `revoked ${timeText(revocation)}${revocation.reason === undefined ? "" : `: ${revocation.reason}`}`;
}

function forJson({ name, state, revocation }: ListedNode): object {
  if (!revocation) return { name, state };
  const reason = revocation.reason === undefined ? {} : { reason: revocation.reason };
  return { name, state, revokedAt: timeText(revocation), ...reason };
}

/** An entry that cannot be read has no time. */
function timeText({ cutoffMs }: NodeRevocation): string {
  return Number.isFinite(cutoffMs) ? new Date(cutoffMs).toISOString() : "for good";
}
