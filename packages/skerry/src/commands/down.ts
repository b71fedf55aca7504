import { rmSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { isSkerryError, sleep } from "@skerry/base";
import { startTicks, systemClock } from "@skerry/base/platform";
import { partNotReady, usageError } from "../errors.ts";
import { loadSettings } from "../settings.ts";
import { type SkerryHome, skerryHome } from "../skerry-home.ts";
import { cleanUpAfterCrash } from "../supervisor/clean-up.ts";
import { askSupervisor } from "../supervisor/control-channel.ts";
import { liveHolder, readLock, releaseLock } from "../supervisor/home-lock.ts";
import { LONGEST_SHUTDOWN_MS } from "../supervisor/part-descriptions.ts";
import { removeUnits, stopUnits } from "../systemd/service-manager.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

const STOP_MS = 90_000;

/** `skerry down`. */
export const down: Command = {
  name: "down",
  summary: "stop everything and leave nothing running",
  help: `skerry down [--graceful]

Stops all parts and removes the containers, mounts, network interfaces and rules. What the API server and the edge
node store stays, so that the next start goes on from it. Containers have three seconds to end.

  --graceful   as before a shutdown of the machine: pods end first, each in its own time as far as shutdownGracePeriod
               of edgecore.yaml gives it (30 s in all), the most important ones last. Skerry that systemd runs is
               always stopped so, and starts again with the machine.

Examples:
  skerry down
  skerry down --graceful
`,
  async run(parameters) {
    const { values } = parseArgs({ args: [...parameters], options: { graceful: { type: "boolean" } } });
    const graceful = values.graceful === true;
    const home = skerryHome();
    if (graceful) print("Pods have their time to end …");
    const ran = liveHolder(home) !== undefined;
    const units = await stopUnits(home);
    const stopped = await stopEverything(home, graceful);
    print(ran || stopped ? "Skerry is stopped." : "Skerry did not run.");
    for (const unit of units)
      print(`${unit} starts it again with the machine, unless you \`systemctl disable ${unit}\`.`);
    return EXIT_OK;
  },
};

/** `skerry reset`. */
export const reset: Command = {
  name: "reset",
  summary: "stop everything and delete all its state",
  help: `skerry reset [--yes] [--all]

Stops everything and deletes the state: API objects, certificates, the edge node's database, images, logs; the systemd
unit too, where --systemd has made one.

  --yes   do not ask
  --all   the downloaded system parts too

Example:
  skerry reset --yes
`,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: { yes: { type: "boolean" }, all: { type: "boolean" } },
    });
    const home = skerryHome();
    if (!values.yes && !(await confirmed(`Delete all state in ${home.folder}?`))) {
      print("Nothing was deleted.");
      return EXIT_OK;
    }
    const settings = loadSettings(home);
    await removeUnits(home);
    await stopEverything(home);
    const folders = [home.controlPlane, home.cloudCore, home.logs, home.run, home.kubeconfig, home.settingsFile];
    if (settings.node !== undefined) folders.push(home.nodeFolder(settings.node));
    if (values.all) folders.push(home.parts);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    print(`The state in ${home.folder} is deleted.`);
    return EXIT_OK;
  },
};

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageError("`skerry reset` deletes all state; say --yes where nobody can be asked");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/**
 * Stops what runs with this home folder, also what a crash left. False when nothing did.
 * @param graceful pods have their own time to end
 */
export async function stopEverything(home: SkerryHome, graceful = false): Promise<boolean> {
  const holder = liveHolder(home);
  if (!holder) {
    const crashed = readLock(home);
    if (!crashed) return false;
    await cleanUpAfterCrash(home, loadSettings(home), crashed);
    releaseLock(home);
    return true;
  }
  await askSupervisor(home, { command: "stop", graceful }).catch((error: unknown) => {
    // It was on its way down already, or does not listen yet.
    if (!isSkerryError(error, "SKERRY_NOT_RUNNING")) throw error;
    process.kill(holder.processId, "SIGTERM");
  });
  const deadlineMs = systemClock.monotonicMs() + STOP_MS + (graceful ? LONGEST_SHUTDOWN_MS : 0);
  while (startTicks(holder.processId) === holder.startTicks) {
    if (systemClock.monotonicMs() >= deadlineMs)
      throw partNotReady("The stop", `process ${holder.processId} still runs`, `${home.logs}/supervisor.log`);
    await sleep(systemClock, 50);
  }
  return true;
}
