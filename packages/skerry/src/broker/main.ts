import { runBroker } from "./run-broker.ts";

process.exitCode = await runBroker(process.argv.slice(2));
