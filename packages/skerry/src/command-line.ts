import { isSkerryError } from "@skerry/base";
import { type Command, EXIT_FAILED, EXIT_OK, EXIT_USAGE } from "./commands/command.ts";
import { usageError } from "./errors.ts";
import { print, printError } from "./terminal.ts";
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
      process.stdout.write(commands.find((command) => command.name === rest[0])?.help ?? overview(commands));
      return EXIT_OK;
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (!command) throw usageError(`There is no command ${JSON.stringify(name)}`);
    if (rest.includes("--help") || rest.includes("-h")) {
      process.stdout.write(command.help);
      return EXIT_OK;
    }
    return await command.run(rest);
  } catch (error) {
    printError(error);
    return isUsageError(error) ? EXIT_USAGE : EXIT_FAILED;
  }
}

function isUsageError(error: unknown): boolean {
  if (isSkerryError(error, "SKERRY_USAGE")) return true;
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function overview(commands: readonly Command[]): string {
  const lines = commands
    .filter((command) => command.internal !== true)
    .map((command) => `  ${command.name.padEnd(12)}${command.summary}`);
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
