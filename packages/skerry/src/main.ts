import { runCommandLine } from "./command-line.ts";
import { allCommands } from "./commands/all-commands.ts";

process.exitCode = await runCommandLine(allCommands, process.argv.slice(2));
