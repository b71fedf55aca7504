import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { commandFailed, noSystemd, partNotReady } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { smallNode } from "../node-options.ts";
import { runCommand } from "../run-command.ts";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import { ownCommand } from "../supervisor/part-descriptions.ts";
import { print } from "../terminal.ts";
import { environmentLine, unitName, unitText } from "./unit-text.ts";

const UNIT_FOLDER = "/etc/systemd/system";
/** Where there is this folder, systemd runs the machine. */
const RUNNING_MARK = "/run/systemd/system";
const READY_MS = 180_000;
/** A little more than a unit may take: twice its TimeoutStopSec. */
const STOP_MS = 230_000;

/** The unit of a home folder with the settings: its name, and what is in it. */
export function unitOf(home: SkerryHome, settings: Settings): { readonly name: string; readonly text: string } {
  const role = settings.cloud === undefined ? "cloud" : "edge";
  return {
    name: unitName(role),
    text: unitText({ role, command: ownCommand([], smallNode), homeFolder: home.folder }),
  };
}

/**
 * Writes the unit, enables and starts it, and waits until Skerry is ready. The settings must be stored. Throws
 * SKERRY_NO_SYSTEMD, SKERRY_COMMAND_FAILED, SKERRY_PART_NOT_READY.
 */
export async function startUnit(home: SkerryHome, settings: Settings): Promise<void> {
  if (!thisMachine.hasSystemd()) throw noSystemd();
  const { name, text } = unitOf(home, settings);
  writeFileSync(join(UNIT_FOLDER, name), text, { mode: 0o644 });
  await runCommand(["systemctl", "daemon-reload"]);
  await runCommand(["systemctl", "enable", "--now", name]);
  print(`${name} is enabled and started; waiting until it is ready …`);
  await waitUntilReady(home, name);
}

/** A machine with units: where they are, whether systemd runs it, and what asks systemd. */
export interface UnitMachine {
  readonly unitFolder: string;
  readonly hasSystemd: () => boolean;
  readonly runCommand: typeof runCommand;
}

const thisMachine: UnitMachine = {
  unitFolder: UNIT_FOLDER,
  hasSystemd: () => existsSync(RUNNING_MARK),
  runCommand,
};

/** The units of this home folder that there are. */
function unitsOf(home: SkerryHome, { unitFolder }: UnitMachine): readonly string[] {
  return (["cloud", "edge"] as const).map(unitName).filter((name) => {
    const file = join(unitFolder, name);
    return existsSync(file) && readFileSync(file, "utf8").split("\n").includes(environmentLine(home.folder));
  });
}

/**
 * Stops the units of this home folder, and returns their names; they stay enabled. What systemd has started it starts
 * again when it ends in any other way. None where systemd runs this command to stop the unit: it would wait for itself.
 * Throws SKERRY_COMMAND_FAILED.
 */
export async function stopUnits(
  home: SkerryHome,
  machine: UnitMachine = thisMachine,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  // systemd.exec(5): every ExecStop= has SERVICE_RESULT; MAINPID is missing when the main process has ended by itself.
  if (environment["SERVICE_RESULT"] !== undefined || !machine.hasSystemd()) return [];
  const names = unitsOf(home, machine);
  for (const name of names) await machine.runCommand(["systemctl", "stop", name], { timeoutMs: STOP_MS });
  return names;
}

/**
 * Stops and removes the units of this home folder, where there are any; one that cannot be stopped and disabled stays.
 * Where no systemd runs there is only the file. Throws SKERRY_COMMAND_FAILED.
 */
export async function removeUnits(home: SkerryHome, machine: UnitMachine = thisMachine): Promise<void> {
  for (const name of unitsOf(home, machine)) {
    if (machine.hasSystemd()) await machine.runCommand(["systemctl", "disable", "--now", name], { timeoutMs: STOP_MS });
    removeFile(join(machine.unitFolder, name));
    if (machine.hasSystemd()) await machine.runCommand(["systemctl", "daemon-reload"]);
    print(`${name} is removed.`);
  }
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw commandFailed(["rm", path], fileProblem(error));
  }
}

async function waitUntilReady(home: SkerryHome, name: string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + READY_MS;
  for (;;) {
    const status = (await askSupervisor(home, { command: "status" }).catch(() => undefined)) as
      | SupervisorStatus
      | undefined;
    if (status?.ready) return;
    if (systemClock.monotonicMs() >= deadlineMs)
      throw partNotReady(name, `it was not ready after ${READY_MS / 1000} s`, `\`journalctl -u ${name}\``);
    await sleep(systemClock, 500);
  }
}
