import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { authorityChange, beginAuthorityChange, finishAuthorityChange, SecretStore } from "@skerry/cloudcore";
import { systemPki } from "@skerry/pki/platform";
import { nodesLeft, usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry ca`. */
export const ca: Command = {
  name: "ca",
  summary: "change the certificate authority of the edge nodes",
  help: `skerry ca rotate
skerry ca status [-o json]
skerry ca finish [--force]

Changes the certificate authority of the edge nodes while they run. rotate makes a new one that is trusted beside the old
one: every CloudCore starts anew with both, and each node of Skerry that is connected, or comes back meanwhile, takes a
certificate of the new one within seconds. status names the nodes that have moved and those that have not: they are
offline, or KubeEdge's, which cannot. finish drops the old one; nodes that have not moved need a join token then.

  --force    finish although nodes have not moved
  -o json    as JSON

Examples:
  skerry ca rotate
  skerry ca status
  skerry ca finish
`,
  async run([action, ...parameters]) {
    if (action === "rotate") return rotate(parameters);
    if (action === "status") return status(parameters);
    if (action === "finish") return finish(parameters);
    throw usageError(`skerry ca knows rotate, status and finish, not ${JSON.stringify(action ?? "")}`);
  },
};

async function rotate(parameters: readonly string[]): Promise<number> {
  parseArgs({ args: [...parameters], options: {} });
  using cluster = await connectToCluster(skerryHome());
  await beginAuthorityChange(new SecretStore(cluster), systemPki, systemClock.now());
  print("There is a new certificate authority beside the old one. `skerry ca status` shows which nodes have moved.");
  return EXIT_OK;
}

async function status(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...parameters], options: { output: { type: "string", short: "o" } } });
  if (values.output !== undefined && values.output !== "json")
    throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
  using cluster = await connectToCluster(skerryHome());
  const change = await authorityChange(cluster, new SecretStore(cluster), systemPki);
  if (values.output === "json") {
    print(JSON.stringify({ ...change, nextFingerprint: change.nextFingerprint ?? null }, null, 2));
    return EXIT_OK;
  }
  print(`authority  ${change.currentFingerprint}`);
  if (change.nextFingerprint === undefined) {
    print("No change is under way.");
    return EXIT_OK;
  }
  print(`next       ${change.nextFingerprint}`);
  print(`moved      ${change.moved.join(", ") || "none"}`);
  print(`left       ${change.left.join(", ") || "none: `skerry ca finish` drops the old authority"}`);
  return EXIT_OK;
}

async function finish(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...parameters], options: { force: { type: "boolean" } } });
  using cluster = await connectToCluster(skerryHome());
  const store = new SecretStore(cluster);
  const { left } = await authorityChange(cluster, store, systemPki);
  if (left.length > 0 && !values.force) throw nodesLeft(left);
  await finishAuthorityChange(cluster, store);
  print("The old certificate authority is dropped. Join tokens made before are worthless.");
  return EXIT_OK;
}
