import { parseArgs } from "node:util";
import { type Diagnosis, diagnose } from "../doctor/checks.ts";
import { examine } from "../doctor/examine.ts";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { paint, print } from "../terminal.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

const MARKS = { ok: ["✓", "green"], warning: ["!", "yellow"], problem: ["✗", "red"] } as const;

/** `skerry doctor`. */
export const doctor: Command = {
  name: "doctor",
  summary: "check this machine from end to end: cloud, node, or both",
  help: `skerry doctor [--config FILE] [-o json]

Checks what Skerry needs of this machine: clock, names, ports, certificates, control groups, container runtime, pod
network, disk, memory, versions, processes. Each finding has a code (docs/doctor.md) and says what to do.

  --config FILE  edgecore.yaml of a node that was not started by \`skerry up\` or \`skerry join\`
  -o json        the findings as JSON

Exits 0 when there is no problem (warnings are none), 1 when there is one.

Examples:
  skerry doctor
  skerry doctor --config /etc/kubeedge/config/edgecore.yaml -o json
`,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: { config: { type: "string" }, output: { type: "string", short: "o" } },
    });
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const found = diagnose(await examine(skerryHome(), values.config));
    const problems = found.filter(({ state }) => state === "problem").length;
    if (values.output === "json") print(JSON.stringify({ problems, findings: found }, null, 2));
    else {
      for (const diagnosis of found) printDiagnosis(diagnosis);
      print(`\n${problems === 0 ? "No problem was found." : `Problems: ${problems}`}`);
    }
    return problems === 0 ? EXIT_OK : EXIT_FAILED;
  },
};

function printDiagnosis({ code, state, found, advice }: Diagnosis): void {
  const [mark, colour] = MARKS[state];
  print(`${paint(colour, mark)} ${code.padEnd(19)} ${found}`);
  if (advice !== "") print(`  ${" ".repeat(19)} ${advice}`);
}
