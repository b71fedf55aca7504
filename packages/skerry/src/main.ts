import { runCommandLine } from "./command-line.ts";
import { allCommands } from "./commands/all-commands.ts";

// `skerry … | head` closes the pipe before all is written: nobody wants the rest.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runCommandLine(allCommands, process.argv.slice(2));
