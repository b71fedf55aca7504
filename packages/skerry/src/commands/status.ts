import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import type { NodeHolder } from "@skerry/cloudcore";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { readNodeHolders } from "../supervisor/cluster/node-holders.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import type { PartState } from "../supervisor/supervised-process.ts";
import { paint, print, roughDuration } from "../terminal.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

/** `skerry status`. */
export const status: Command = {
  name: "status",
  summary: "show all parts and links",
  help: `skerry status [-o json]

Shows each part of Skerry on this machine, since when it runs, how often it was started again, the links, and which
CloudCore each node is connected to.
Exits 0 when all run, 1 when one does not or Skerry is not started.

Examples:
  skerry status
  skerry status -o json
`,
  async run(parameters) {
    const { values } = parseArgs({ args: [...parameters], options: { output: { type: "string", short: "o" } } });
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const home = skerryHome();
    const state = (await askSupervisor(home, { command: "status" })) as SupervisorStatus;
    const nodes = state.kubeconfig === undefined ? undefined : await readNodeHolders(home);
    if (values.output === "json") print(JSON.stringify({ ...state, ...(nodes ? { nodes } : {}) }, null, 2));
    else printStatus(state, nodes);
    return state.ready && state.parts.every((part) => part.state.kind === "running") ? EXIT_OK : EXIT_FAILED;
  },
};

function printStatus(state: SupervisorStatus, nodes: readonly NodeHolder[] | undefined): void {
  print(paint("bold", `${"PART".padEnd(24)}${"STATE".padEnd(34)}${"PID".padEnd(9)}RESTARTS`));
  for (const part of state.parts)
    print(
      `${part.name.padEnd(24)}${describe(part.state).padEnd(34)}${String(part.processId ?? "-").padEnd(9)}${part.restarts}`,
    );
  for (const link of state.links)
    print(`${`link ${link.node}`.padEnd(24)}${link.cut ? paint("red", "cut") : "connected"}`);
  for (const { node, cloudCore, connected } of nodes ?? [])
    print(`${`node ${node}`.padEnd(24)}${connected ? "connected to" : "last connected to"} CloudCore ${cloudCore}`);
  if (state.kubeconfig !== undefined && nodes === undefined) print("The Kubernetes API does not answer just now.");
  if (state.kubeconfig !== undefined) print(`kubeconfig: ${state.kubeconfig}`);
}

function describe(state: PartState): string {
  switch (state.kind) {
    case "running":
      return `running for ${roughDuration(systemClock.now() - state.sinceMs)}`;
    case "waiting":
      return `starts again: ${state.reason}`;
    default:
      return state.kind;
  }
}
