import { runCommandLine } from "../command-line.ts";
import { edgecore } from "../commands/edgecore.ts";

// The command `edgecore` of the package of that name: the same as `skerry edgecore`.
const parameters = process.argv.slice(2);
const general = ["--version", "-v"].includes(parameters[0] ?? "");
process.exitCode = await runCommandLine([edgecore], general ? parameters : ["edgecore", ...parameters]);
