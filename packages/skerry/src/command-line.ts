import { isSkerryError } from "@skerry/base";
import { type Command, EXIT_FAILED, EXIT_OK, EXIT_USAGE } from "./commands/command.ts";
import { usageError } from "./errors.ts";
import { print, printError, printUsageError } from "./terminal.ts";
import { skerryVersion } from "./version.ts";

/** Runs the command that the arguments name; prints its error, if any. Resolves with the exit code. */
export async function runCommandLine(commands: readonly Command[], parameters: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = parameters;
  try {
    if (name === "--version" || name === "-v" || name === "version") {
      print(skerryVersion());
      return EXIT_OK;
    }
    if (name === "--help" || name === "-h" || name === "help") {
      process.stdout.write(rest[0] === undefined ? overview(commands) : named(commands, rest[0]).help);
      return EXIT_OK;
    }
    const command = named(commands, name);
    if (rest.includes("--help") || rest.includes("-h")) {
      process.stdout.write(command.help);
      return EXIT_OK;
    }
    return await command.run(rest);
  } catch (error) {
    if (!isUsageError(error)) {
      printError(error);
      return EXIT_FAILED;
    }
    printUsageError(error, helpOf(commands.find((command) => command.name === name)));
    return EXIT_USAGE;
  }
}

/** Throws SKERRY_USAGE, with the commands that there are. */
function named(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found) return found;
  const names = commands.filter(({ internal }) => internal !== true).map((command) => command.name);
  throw usageError(`There is no command ${JSON.stringify(name)}; there are ${names.join(", ")}`);
}

/** How to ask for a command's help; `cloudcore`, `edgecore` and `keadm` are programs of their own. */
function helpOf(command: Command | undefined): string {
  if (!command) return "skerry --help";
  return `${command.internal === true ? "" : "skerry "}${command.name} --help`;
}

function isUsageError(error: unknown): error is Error {
  if (isSkerryError(error, "SKERRY_USAGE")) return true;
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function overview(commands: readonly Command[]): string {
  const shown = commands.filter((command) => command.internal !== true);
  const width = Math.max(...shown.map(({ name }) => name.length)) + 2;
  const lines = shown.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return `skerry COMMAND

Containers and IoT devices on edge nodes that keep working offline, managed with kubectl.

${lines.join("\n")}

\`skerry COMMAND --help\` says more. State is in .skerry/ of the current folder, or in SKERRY_HOME.
Exit codes: 0 done, 1 failed, 2 wrong use.

Examples:
  skerry up --detach
  kubectl --kubeconfig .skerry/kubeconfig get nodes
  skerry demo
  skerry down
`;
}
