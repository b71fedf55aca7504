import { parseArgs } from "node:util";
import { runService } from "../commands/service-process.ts";
import { usageError } from "../errors.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";

/** `skerry broker`: runs the embedded broker until the process is told to stop. Resolves with the exit code. */
export async function runBroker(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...parameters],
    options: { host: { type: "string", default: "127.0.0.1" }, port: { type: "string", default: "1883" } },
  });
  const { host } = values;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw usageError(`--port ${values.port} is no port number`);
  return await runService(async (logger) => {
    const broker = await EmbeddedBroker.start({ host, port, logger: logger.child("broker") });
    logger.info("The embedded MQTT broker is ready", { host, port: broker.port });
    return { service: broker, facts: { port: broker.port } };
  });
}
