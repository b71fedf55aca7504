import { silentLogger } from "@skerry/base";
import { createLogger, systemClock, systemRandom } from "@skerry/base/platform";
import { startHollowNode } from "@skerry/edgecore/hollow/platform";
import { usageError } from "../errors.ts";
import { isFleetPlan } from "../fleet/fleet-messages.ts";
import { FleetProcess } from "../fleet/fleet-process.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** One process of `skerry fleet`, which sends it the plan. */
export const fleetProcess: Command = {
  name: "fleet-process",
  summary: "nodes of skerry fleet",
  help: "skerry fleet-process\n\nRuns a part of the nodes of `skerry fleet`, which starts it.\n",
  internal: true,
  async run() {
    if (!process.connected) throw usageError("`skerry fleet` starts this");
    // The terminal's Ctrl-C is for the whole fleet; its first process tells the others by ending the channel.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
    const ended = new Promise<void>((resolve) => process.once("disconnect", () => resolve()));
    const plan = await new Promise<unknown>((resolve) => process.once("message", resolve));
    if (!isFleetPlan(plan)) throw usageError("`skerry fleet` starts this");
    // So many nodes say too much, but for whoever looks for a fault.
    const logger =
      process.env["SKERRY_LOG_LEVEL"] === "debug"
        ? createLogger({
            clock: systemClock,
            format: "json",
            level: "debug",
            write: (line) => process.stderr.write(`${line}\n`),
          })
        : silentLogger;
    await using nodes = new FleetProcess(
      {
        clock: systemClock,
        random: systemRandom,
        residentBytes: () => process.memoryUsage.rss(),
        report: (sample) => void (process.connected && process.send?.(sample)),
        startNode: (nodeName, number, { labels, cloudHub, cloudHttps, token, delivery }) =>
          startHollowNode({
            nodeName,
            labels,
            cloudHub,
            cloudHttps,
            token,
            delivery,
            address: `10.250.${Math.floor(number / 250) % 256}.${(number % 250) + 1}`,
            clock: systemClock,
            random: systemRandom,
            logger,
          }),
      },
      plan,
    );
    nodes.start();
    await ended;
    return EXIT_OK;
  },
};
