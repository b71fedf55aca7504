import { runCommandLine } from "./command-line.ts";
import type { Command } from "./commands/command.ts";

// `skerry … | head` closes the pipe before all is written: nobody wants the rest.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

/** What runs beside the apps of an edge node loads itself only: all other commands together have 1.6 MB. */
const alone: Readonly<Record<string, () => Promise<readonly Command[]>>> = {
  edgecore: async () => [(await import("./commands/edgecore.ts")).edgecore],
  thermometer: async () => [(await import("./commands/devices.ts")).thermometer],
};

const parameters = process.argv.slice(2);
const load = alone[parameters[0] ?? ""] ?? (async () => (await import("./commands/all-commands.ts")).allCommands);
process.exitCode = await runCommandLine(await load(), parameters);
