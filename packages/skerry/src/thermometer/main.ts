import { runThermometer } from "./run-thermometer.ts";

process.exitCode = await runThermometer(process.argv.slice(2));
