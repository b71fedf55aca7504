import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { runService } from "../commands/service-process.ts";
import { usageError } from "../errors.ts";
import { Thermometer } from "./thermometer.ts";

/** `skerry thermometer`: runs the virtual thermometer until the process is told to stop. Resolves with the exit code. */
export async function runThermometer(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      broker: { type: "string", default: "mqtt://127.0.0.1:1883" },
      device: { type: "string", default: "default/thermometer" },
      "interval-seconds": { type: "string", default: "5" },
    },
  });
  const { broker, device: deviceId } = values;
  const intervalMs = Number(values["interval-seconds"]) * 1_000;
  if (!(intervalMs >= 100 && intervalMs <= 86_400_000))
    throw usageError(`--interval-seconds ${values["interval-seconds"]} is not between 0.1 and 86400`);
  if (!/^[^/+#\s]+\/[^/+#\s]+$/.test(deviceId))
    throw usageError(`--device ${deviceId} is not written as NAMESPACE/NAME`);
  if (!URL.canParse(broker) || !/^(mqtts?|tcp|ssl):$/.test(new URL(broker).protocol))
    throw usageError(`--broker ${broker} is not written as mqtt://HOST:PORT`);
  return await runService(async (logger) => {
    const options = { broker, deviceId, intervalMs, clock: systemClock, random: systemRandom };
    return { service: new Thermometer({ ...options, logger: logger.child("thermometer") }) };
  });
}
