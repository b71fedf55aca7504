import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import type { PartState } from "../supervisor/supervised-process.ts";
import { duration, paint, print } from "../terminal.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

/** `skerry status`. */
export const status: Command = {
  name: "status",
  summary: "show all parts and links",
  help: `skerry status [-o json]

Shows each part of Skerry on this machine, since when it runs, how often it was started again, and the links.
Exits 0 when all run, 1 when one does not or Skerry is not started.

Examples:
  skerry status
  skerry status -o json
`,
  async run(parameters) {
    const { values } = parseArgs({ args: [...parameters], options: { output: { type: "string", short: "o" } } });
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const state = (await askSupervisor(skerryHome(), { command: "status" })) as SupervisorStatus;
    if (values.output === "json") print(JSON.stringify(state, null, 2));
    else printStatus(state);
    return state.ready && state.parts.every((part) => part.state.kind === "running") ? EXIT_OK : EXIT_FAILED;
  },
};

function printStatus(state: SupervisorStatus): void {
  print(paint("bold", `${"PART".padEnd(24)}${"STATE".padEnd(34)}${"PID".padEnd(9)}RESTARTS`));
  for (const part of state.parts)
    print(
      `${part.name.padEnd(24)}${describe(part.state).padEnd(34)}${String(part.processId ?? "-").padEnd(9)}${part.restarts}`,
    );
  for (const link of state.links)
    print(`${`link ${link.node}`.padEnd(24)}${link.cut ? paint("red", "cut") : "connected"}`);
  if (state.kubeconfig !== undefined) print(`kubeconfig: ${state.kubeconfig}`);
}

function describe(state: PartState): string {
  switch (state.kind) {
    case "running":
      return `running for ${duration(systemClock.now() - state.sinceMs)}`;
    case "waiting":
      return `starts again: ${state.reason}`;
    default:
      return state.kind;
  }
}
