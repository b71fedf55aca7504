import { fork } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { SkerryError } from "@skerry/base";
import { type CheckResult, checks } from "@skerry/mapper";
import { usageError } from "../../errors.ts";
import { paint, print } from "../../terminal.ts";
import { EXIT_FAILED, EXIT_OK } from "../command.ts";
import { findDriver } from "./find-driver.ts";
import type { TestMessage, TestRequest } from "./test-messages.ts";

const DEFAULT_CALL_TIMEOUT_S = 10;
/** A process that says nothing for so long is kept busy by its driver. */
const BUSY_LIMIT_MS = 10_000;

export const testHelp: string = `skerry mapper test FILE|NAME [--device FILE] [--model FILE] [--no-write] [--timeout SECONDS] [-o json]

Tries a driver at a device, without EdgeCore, and says by name what it does wrong: calls that hang, a signal that is not
heeded, values of the wrong type, writes that do not arrive, floods, what stays open after close, and more. The device is
the one of a Device manifest: a real one, or a simulator. Writable properties are written; their values are put back.

  --device FILE        the Device; by default device.yaml beside the driver
  --model FILE         its DeviceModel; by default model.yaml beside the driver
  --no-write           writes nothing
  --timeout SECONDS    how long a call may take; by default ${DEFAULT_CALL_TIMEOUT_S}
  -o json              the report as JSON

It exits 0 when no check failed, 1 when one did.

Examples:
  skerry mapper test driver.ts
  skerry mapper test modbus --device boiler.yaml --model boiler-model.yaml --no-write
`;

interface Report {
  readonly driver: string;
  readonly protocol: string;
  readonly passed: number;
  readonly failed: number;
  readonly checks: readonly CheckResult[];
}

/** `skerry mapper test FILE|NAME`. */
export async function testMapper(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: {
      device: { type: "string" },
      model: { type: "string" },
      "no-write": { type: "boolean", default: false },
      timeout: { type: "string", default: String(DEFAULT_CALL_TIMEOUT_S) },
      output: { type: "string", short: "o", default: "text" },
    },
    allowPositionals: true,
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usageError("Use `skerry mapper test FILE`");
  const { output, timeout } = values;
  if (output !== "text" && output !== "json") throw usageError("-o is json or text");
  const callTimeoutMs = Number(timeout) * 1_000;
  if (!(callTimeoutMs > 0)) throw usageError("--timeout is a number of seconds");
  const driverFile = resolve(findDriver(name));
  const folder = dirname(driverFile);
  const request: TestRequest = {
    driverFile,
    deviceFile: resolve(values.device ?? join(folder, "device.yaml")),
    modelFile: resolve(values.model ?? join(folder, "model.yaml")),
    callTimeoutMs,
    writes: !values["no-write"],
  };
  const report = await runDriver(request, output === "text" ? printResult : () => undefined);
  if (output === "json") print(JSON.stringify(report, undefined, 2));
  else print(`\n${report.passed} passed, ${report.failed} failed`);
  return report.failed === 0 ? EXIT_OK : EXIT_FAILED;
}

/** Runs the checks in a process of their own. @throws what that process refuses */
async function runDriver(request: TestRequest, onResult: (result: CheckResult) => void): Promise<Report> {
  const results: CheckResult[] = [];
  const take = (result: CheckResult): void => {
    results.push(result);
    onResult(result);
  };
  let protocol = "";
  let looking: { readonly check: CheckResult["check"]; readonly property?: string } | undefined;
  const child = fork(process.argv[1] ?? "", ["mapper", "test-process"], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = Promise.withResolvers<void>();
  const busy = (): void => {
    const at = looking === undefined ? "it was loaded" : `${looking.check} of ${looking.property ?? "the device"}`;
    take({ check: "gives-way", outcome: "failed", reason: `no pause for ${BUSY_LIMIT_MS / 1_000} s while ${at}` });
    child.kill("SIGKILL");
  };
  let watchdog = setTimeout(busy, 3 * BUSY_LIMIT_MS); // It has to be started and to load the driver.
  let isDone = false;
  let isRefused = false;
  child.on("message", (message: TestMessage) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(busy, BUSY_LIMIT_MS);
    if (message.kind === "protocol") protocol = message.protocol;
    else if (message.kind === "looking") looking = message;
    else if (message.kind === "result") take(message.result);
    else if (message.kind === "refused") {
      isRefused = true;
      ended.reject(new SkerryError(message));
    } else if (message.kind === "done") isDone = true;
  });
  child.once("error", ended.reject);
  child.once("exit", (code, signal) => {
    const isKnown = results.some(({ check }) => check === "gives-way");
    if (isRefused || isKnown) return ended.resolve();
    if (isDone) take({ check: "gives-way", outcome: "passed" });
    else
      take({ check: "no-stray-errors", outcome: "failed", reason: `the driver ended its process (${signal ?? code})` });
    ended.resolve();
  });
  child.send(request);
  try {
    await ended.promise;
  } finally {
    clearTimeout(watchdog);
    child.kill("SIGKILL");
  }
  const count = (outcome: CheckResult["outcome"]): number => results.filter((one) => one.outcome === outcome).length;
  return { driver: request.driverFile, protocol, passed: count("passed"), failed: count("failed"), checks: results };
}

function printResult({ check, property, outcome, reason }: CheckResult): void {
  const sign = { passed: paint("green", "✔"), failed: paint("red", "✖"), "not-checked": paint("grey", "–") }[outcome];
  const about = property === undefined ? check : `${check} (${property})`;
  print(`${sign} ${about}${outcome === "failed" ? `: ${checks[check]}` : ""}`);
  if (reason !== undefined) print(`    ${reason}`);
}
