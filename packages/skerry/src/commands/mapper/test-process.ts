import { describeError, isSkerryError, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { ConformanceRun } from "@skerry/mapper";
import { loadDriver } from "@skerry/mapper/platform";
import { EXIT_OK } from "../command.ts";
import { readDeviceFiles } from "./device-files.ts";
import { ALIVE_EVERY_MS, type TestMessage, type TestRequest } from "./test-messages.ts";

/**
 * The process in which `skerry mapper test` lets a driver run, so that one that never gives back control, or ends its
 * process, is found and not suffered.
 */
export async function runTestProcess(): Promise<number> {
  const tell = (message: TestMessage): void => void process.send?.(message);
  const request = await new Promise<TestRequest>((resolve) => process.once("message", resolve as never));
  const strayErrors: unknown[] = [];
  process.on("uncaughtException", (error) => strayErrors.push(error));
  process.on("unhandledRejection", (error) => strayErrors.push(error));
  try {
    await runChecks(request, strayErrors, tell);
  } catch (error) {
    const { code, advice } = isSkerryError(error) ? error : { code: "SKERRY_MAPPER_TEST_FAILED", advice: "" };
    tell({ kind: "refused", code, message: isSkerryError(error) ? error.message : describeError(error), advice });
  }
  // A driver may have left something open that would keep the process.
  await new Promise<void>((resolve) => process.send?.({ kind: "done" } satisfies TestMessage, () => resolve()));
  process.exit(EXIT_OK);
}

async function runChecks(
  request: TestRequest,
  strayErrors: readonly unknown[],
  tell: (message: TestMessage) => void,
): Promise<void> {
  const device = await readDeviceFiles(request.deviceFile, request.modelFile);
  const driver = await loadDriver(request.driverFile);
  tell({ kind: "protocol", protocol: driver.protocol });
  setInterval(() => tell({ kind: "alive" }), ALIVE_EVERY_MS).unref();
  const ports = {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    openResources: () => process.getActiveResourcesInfo(),
    strayErrors: () => strayErrors,
  };
  const { callTimeoutMs, writes } = request;
  const run = new ConformanceRun(driver, device, ports, {
    callTimeoutMs,
    writes,
    onCheck: (check, property) =>
      tell(property === undefined ? { kind: "looking", check } : { kind: "looking", check, property }),
  });
  for await (const result of run.run()) tell({ kind: "result", result });
}
