import { runCommandLine } from "../command-line.ts";
import { cloudcore } from "../commands/cloudcore.ts";

// The command `cloudcore` of the package of that name: the same as `skerry cloudcore`.
const parameters = process.argv.slice(2);
const general = ["--version", "-v"].includes(parameters[0] ?? "");
process.exitCode = await runCommandLine([cloudcore], general ? parameters : ["cloudcore", ...parameters]);
